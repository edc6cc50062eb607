//! What is compiled in and sent as it is: style sheet, script, icons, the description of the API.

use super::{Response, deliver};
use std::sync::LazyLock;

/// A file that is compiled in.
struct Asset {
    address: String,
    kind: &'static str,
    /// How long it may be kept.
    kept: &'static str,
    bytes: &'static [u8],
    /// The same, compressed once.
    packed: Vec<u8>,
}

/// For addresses that change with what is there.
const FOR_GOOD: &str = "public, max-age=31536000, immutable";

static STYLE: LazyLock<Asset> = LazyLock::new(|| {
    Asset::named(
        "style",
        "css",
        "text/css; charset=utf-8",
        include_bytes!("../../assets/style.css"),
    )
});
static SCRIPT: LazyLock<Asset> = LazyLock::new(|| {
    let bytes = include_bytes!("../../assets/page.js");
    Asset::named("page", "js", "text/javascript; charset=utf-8", bytes)
});
static ICON: LazyLock<Asset> = LazyLock::new(|| {
    Asset::named("favicon", "svg", "image/svg+xml", include_bytes!("../../assets/favicon.svg"))
});
/// Where browsers look that read no page.
static OLD_ICON: LazyLock<Asset> = LazyLock::new(|| {
    let bytes = include_bytes!("../../assets/favicon.ico");
    Asset::new("/favicon.ico".to_owned(), "image/x-icon", "public, max-age=86400", bytes)
});
static OPENAPI: LazyLock<Asset> = LazyLock::new(|| {
    let bytes = include_bytes!("../../assets/openapi.json");
    Asset::new("/openapi.json".to_owned(), "application/json", "no-cache", bytes)
});

impl Asset {
    fn new(address: String, kind: &'static str, kept: &'static str, bytes: &'static [u8]) -> Self {
        Self { address, kind, kept, bytes, packed: deliver::gzip(bytes) }
    }

    /// A file whose address changes with it.
    fn named(name: &str, ending: &str, kind: &'static str, bytes: &'static [u8]) -> Self {
        let address = format!("/assets/{name}-{:08x}.{ending}", crc32fast::hash(bytes));
        Self::new(address, kind, FOR_GOOD, bytes)
    }
}

/// The asset at this address.
pub(super) fn find(path: &str) -> Option<Response> {
    let all = [&STYLE, &SCRIPT, &ICON, &OLD_ICON, &OPENAPI];
    let asset: &'static Asset = all.into_iter().find(|asset| asset.address == path)?;
    Some(Response {
        status: 200,
        headers: vec![("Content-Type", asset.kind.into()), ("Cache-Control", asset.kept.into())],
        body: asset.bytes.into(),
        packed: Some(&asset.packed),
        ..Response::default()
    })
}

/// The address of the style sheet.
pub(super) fn style() -> String {
    STYLE.address.clone()
}

/// The address of the script.
pub(super) fn script() -> String {
    SCRIPT.address.clone()
}

/// The address of the icon.
pub(super) fn icon() -> String {
    ICON.address.clone()
}

//! Who may see internal entries: whoever has a token, or was named by a trusted proxy.

use jieda::{Error, Result, web::Request};
use std::{
    fs,
    hint::black_box,
    net::IpAddr,
    path::{Path, PathBuf},
    sync::{PoisonError, RwLock},
};

/// The shortest token, in characters; what is shorter can be guessed.
const SHORTEST: usize = 16;

/// Who may see internal entries.
pub(super) struct Access {
    file: Option<PathBuf>,
    tokens: RwLock<Vec<String>>,
    /// The proxies, and the header in which they name the user, in lower case.
    proxies: Vec<IpAddr>,
    header: String,
}

impl Access {
    /// Reads the tokens. Fails if the file cannot be read or has a line that is no token.
    pub(super) fn open(file: Option<&Path>, proxies: &[IpAddr], header: &str) -> Result<Self> {
        Ok(Self {
            file: file.map(Path::to_owned),
            tokens: RwLock::new(file.map_or(Ok(Vec::new()), read)?),
            proxies: proxies.iter().map(IpAddr::to_canonical).collect(),
            header: header.to_ascii_lowercase(),
        })
    }

    /// Reads the tokens again. If that fails, those that were read before stay.
    pub(super) fn reload(&self) -> Result<()> {
        if let Some(file) = &self.file {
            let tokens = read(file)?;
            *self.tokens.write().unwrap_or_else(PoisonError::into_inner) = tokens;
        }
        Ok(())
    }

    /// What the host should know of the file: others can read it.
    pub(super) fn hint(&self) -> Option<String> {
        let file = self.file.as_ref().filter(|file| is_open(file))?;
        let file = file.display();
        Some(format!("令牌文件 `{file}` 别的用户也能读；请运行 `chmod 600 {file}`"))
    }

    /// Whether whoever sent the request may see internal entries.
    pub(super) fn admits(&self, request: &Request) -> bool {
        self.has_token(request) || self.is_named(request)
    }

    fn has_token(&self, request: &Request) -> bool {
        let given = request.values("authorization").filter_map(|value| {
            let (scheme, token) = value.split_once(' ')?;
            scheme.eq_ignore_ascii_case("bearer").then_some(token.trim())
        });
        let tokens = self.tokens.read().unwrap_or_else(PoisonError::into_inner);
        // All are compared, so that time tells nothing.
        given.fold(false, |known, given| {
            tokens
                .iter()
                .fold(known, |known, token| known | same(token.as_bytes(), given.as_bytes()))
        })
    }

    /// Whether a trusted proxy names one user. From anybody else the header says nothing.
    fn is_named(&self, request: &Request) -> bool {
        let mut named = request.values(&self.header);
        let trusted = request.peer.is_some_and(|peer| self.proxies.contains(&peer));
        trusted && named.next().is_some_and(|name| !name.is_empty()) && named.next().is_none()
    }
}

/// Whether both are the same, in a time that depends on nothing but their lengths.
fn same(a: &[u8], b: &[u8]) -> bool {
    let differs = a
        .iter()
        .zip(b)
        .fold(a.len() ^ b.len(), |differs, (a, b)| black_box(differs | usize::from(a ^ b)));
    differs == 0
}

/// The tokens of a file, a line each; empty lines and such with `#` in front are none.
fn read(path: &Path) -> Result<Vec<String>> {
    let text =
        fs::read_to_string(path).map_err(|source| Error::Read { path: path.to_owned(), source })?;
    let tokens = text.lines().map(str::trim).enumerate();
    let tokens = tokens.filter(|(_, token)| !token.is_empty() && !token.starts_with('#'));
    let token = |(index, token): (usize, &str)| {
        let good = token.len() >= SHORTEST && token.bytes().all(|byte| byte.is_ascii_graphic());
        // The token itself stays out of messages.
        good.then(|| token.to_owned()).ok_or_else(|| Error::Tokens {
            path: path.to_owned(),
            what: format!("第 {} 行太短，或有空格和中文", index + 1),
            least: SHORTEST,
        })
    };
    tokens.map(token).collect()
}

#[cfg(unix)]
fn is_open(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    fs::metadata(path).is_ok_and(|meta| meta.permissions().mode() & 0o077 != 0)
}

#[cfg(not(unix))]
fn is_open(_: &Path) -> bool {
    false
}

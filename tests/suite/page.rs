//! The page as a browser shows it.

use headless_chrome::{Browser, LaunchOptionsBuilder};
use jieda::{
    Library, Place,
    web::{Limits, Site, routes, serve},
};
use jiff::civil::date;
use std::{
    net::{SocketAddr, TcpListener},
    path::PathBuf,
    thread,
};

/// The browser that `scripts/test` installs.
fn chromium() -> PathBuf {
    let names = ["chromium", "chromium-browser", "google-chrome"];
    let folders = std::env::var_os("PATH").unwrap();
    let mut programs =
        std::env::split_paths(&folders).flat_map(|folder| names.map(|name| folder.join(name)));
    programs.find(|program| program.is_file()).expect("no Chromium; `scripts/test` installs it")
}

/// The shipped content on a socket of its own.
fn served() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let library = Library::of(&Place::default().files().unwrap()).unwrap();
    thread::spawn(move || {
        serve(listener, Limits::default(), move |request| {
            routes(Site::new(&library, date(2026, 11, 22)), request)
        })
    });
    address
}

/// A browser with a window of this size.
pub(super) fn browser(width: u32, height: u32) -> Browser {
    let quiet = [
        "--disable-quic",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
    ];
    let options = LaunchOptionsBuilder::default()
        .path(Some(chromium()))
        .sandbox(false)
        .window_size(Some((width, height)))
        .args(quiet.iter().map(std::ffi::OsStr::new).collect())
        .build()
        .unwrap();
    Browser::new(options).unwrap()
}

/// One key copies what to say and one the record of the call, without touching the mouse.
#[test]
fn keys_copy_what_to_say_and_the_record() {
    let address = served();
    let browser = browser(1280, 800);
    let tab = browser.new_tab().unwrap();
    let ask = |expression: &str| tab.evaluate(expression, true).unwrap().value.unwrap();
    let open = |page: &str| {
        tab.navigate_to(&format!("http://{address}{page}"))
            .unwrap()
            .wait_until_navigated()
            .unwrap();
        // The clipboard of a headless browser belongs to the machine; what would be written is kept here.
        ask("navigator.clipboard.writeText = async text => { window.written = text }; 1");
    };
    open("/trees/needs-filing?location=hongkong&cdn=no");
    tab.press_key("c").unwrap();
    let say = ask("document.getElementById('say').innerText");
    assert_eq!(ask("window.written"), say);
    assert_eq!(ask("document.getElementById('status').innerText"), "已复制");
    tab.press_key("t").unwrap();
    let record = ask("window.written");
    let record = record.as_str().unwrap();
    assert!(record.contains("结论：") && record.contains("依据："), "{record}");
    open("/search?q=接口异常");
    tab.press_key("c").unwrap();
    assert_eq!(ask("window.written"), ask("document.getElementById('say').innerText"));
}

/// On a phone and on a desk nothing runs over the edge, and the answer can be read without scrolling.
#[test]
fn pages_fit_from_a_phone_to_a_desk() {
    let address = served();
    for (width, height) in [(360, 640), (1280, 800)] {
        let browser = browser(width, height);
        let tab = browser.new_tab().unwrap();
        let ask = |expression: &str| tab.evaluate(expression, false).unwrap().value.unwrap();
        for page in [
            "/",
            "/search?q=产品验证提示接口异常怎么办",
            "/search?q=专利年费",
            "/faq/server/how-many-sites",
            "/topics/access",
            "/none",
        ] {
            tab.navigate_to(&format!("http://{address}{page}"))
                .unwrap()
                .wait_until_navigated()
                .unwrap();
            let over =
                ask("document.documentElement.scrollWidth - document.documentElement.clientWidth");
            assert_eq!(over, 0, "{page} at {width} px");
            assert_eq!(
                ask("getComputedStyle(document.querySelector('button')).cursor"),
                "pointer",
                "{page} has its style"
            );
        }
        tab.navigate_to(&format!("http://{address}/search?q=接口异常"))
            .unwrap()
            .wait_until_navigated()
            .unwrap();
        let bottom =
            ask("document.querySelector('.say').getBoundingClientRect().bottom - innerHeight");
        assert!(
            bottom.as_f64().unwrap() < 0.0,
            "the answer ends {bottom} px below the window at {width} px"
        );
        tab.navigate_to(&format!("http://{address}/")).unwrap().wait_until_navigated().unwrap();
        assert_eq!(ask("document.activeElement.name"), "q", "one can type at once");
    }
}

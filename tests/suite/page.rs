//! The page as a browser shows it.

use super::web::SHIPPED;
use headless_chrome::{
    Browser, LaunchOptionsBuilder, Tab,
    browser::tab::ModifierKey,
    protocol::cdp::{Emulation, Input, Log, Network, Page as Pages, types::Event},
};
use jieda::web::{Control, Limits, Site, routes, serve};
use jiff::civil::date;
use serde_json::Value;
use std::{
    net::{SocketAddr, TcpListener},
    path::{Path, PathBuf},
    sync::{
        Arc, LazyLock, Mutex, Weak,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

/// Every kind of page, with the name of its picture.
const KINDS: [(&str, &str); 18] = [
    ("home", "/"),
    ("answer", "/search?q=备案要多久"),
    ("outcome", "/search?q=香港ECS要备案吗"),
    ("choose", "/search?q=阿里云备案"),
    ("corrected", "/search?q=被案要多久"),
    ("unknown", "/search?q=专利年费怎么交"),
    ("entry", "/faq/server/how-many-sites"),
    ("topic", "/topics/access"),
    ("trees", "/trees"),
    ("question", "/trees/needs-filing?location=mainland"),
    ("boxes", "/trees/needs-filing?location=mainland&address=domain&host=other&filed=new&cdn=no"),
    ("end", "/trees/needs-filing?location=hongkong&cdn=no"),
    ("open", "/trees/needs-filing?location=hongkong&cdn=unsure"),
    ("all-questions", "/trees/needs-filing?all=1"),
    ("graph", "/trees/needs-filing/graph?location=hongkong&cdn=no"),
    ("sources", "/sources"),
    ("missing", "/faq/product/interface-error"),
    ("failure", "/search?q=短信&q=核验"),
];

/// No test waits longer than this for anything.
const PATIENCE: Duration = Duration::from_secs(60);

/// The most that the first page may weigh with all it needs, in bytes over the wire.
const FIRST_PAGE: f64 = 30_000.0;

/// What letters may settle by while they are drawn, as a share of the window; a line that moved would be ten times that.
const STILL: f64 = 0.001;

/// What was written down, as JSON.
static RECORDS: Mutex<Vec<Value>> = Mutex::new(Vec::new());

/// The shipped content on a socket.
static SERVED: LazyLock<SocketAddr> = LazyLock::new(|| {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    // Before anything that has a time limit.
    LazyLock::force(&SHIPPED);
    thread::spawn(move || {
        serve(listener, Limits::default(), &Control::default(), move |request| {
            let site = Site { recording: true, ..Site::new(&SHIPPED, date(2026, 11, 22)) };
            let response = routes(site, request);
            let record =
                response.record.as_ref().map(|record| serde_json::to_value(record).unwrap());
            RECORDS.lock().unwrap().extend(record);
            response
        })
    });
    address
});

/// The browser that `scripts/test` installs.
fn chromium() -> PathBuf {
    let names = ["chromium", "chromium-browser", "google-chrome"];
    let folders = std::env::var_os("PATH").unwrap();
    let mut programs =
        std::env::split_paths(&folders).flat_map(|folder| names.map(|name| folder.join(name)));
    programs.find(|program| program.is_file()).expect("no Chromium; `scripts/test` installs it")
}

/// One browser for all tests that run at the time; it ends with the last of them.
pub(super) fn browser() -> Arc<Browser> {
    static SHARED: Mutex<Weak<Browser>> = Mutex::new(Weak::new());
    let mut shared = SHARED.lock().unwrap();
    if let Some(browser) = shared.upgrade() {
        return browser;
    }
    let quiet = [
        "--disable-quic",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--hide-scrollbars",
    ];
    let options = LaunchOptionsBuilder::default()
        .path(Some(chromium()))
        .sandbox(false)
        .window_size(Some((1280, 900)))
        .idle_browser_timeout(Duration::from_secs(300))
        .args(quiet.iter().map(std::ffi::OsStr::new).collect())
        .build()
        .unwrap();
    let browser = Arc::new(Browser::new(options).unwrap());
    *shared = Arc::downgrade(&browser);
    browser
}

/// A tab that remembers nothing of the others: a switch turned off in one must not be off in all.
pub(super) fn tab(browser: &Browser) -> Arc<Tab> {
    let tab = browser.new_context().unwrap().new_tab().unwrap();
    tab.set_default_timeout(PATIENCE);
    tab
}

/// What a page asked for and complained about.
#[derive(Default)]
struct Seen {
    requests: Vec<String>,
    /// How many of the requests are over.
    over: usize,
    bytes: f64,
    errors: Vec<String>,
}

/// A tab of its own, which sees all that happens in it.
struct Window {
    tab: Arc<Tab>,
    seen: Arc<Mutex<Seen>>,
    /// How many pages were left by a key.
    steps: AtomicUsize,
    _browser: Arc<Browser>,
}

/// Runs before the scripts of a page. The clipboard of a headless browser belongs to the machine, so what would be
/// written is kept here; so is what was announced, since it fades while a slow machine looks away.
const BEFORE: &str = "
    if (navigator.clipboard) navigator.clipboard.writeText = async text => { window.written = text; };
    window.announced = [];
    document.addEventListener('DOMContentLoaded', () => {
        const status = document.getElementById('status');
        new MutationObserver(() => window.announced.push(status.innerText)).observe(status, { childList: true });
    });
    window.shift = 0;
    new PerformanceObserver(list => {
        for (const entry of list.getEntries()) if (!entry.hadRecentInput) window.shift += entry.value;
    }).observe({ type: 'layout-shift', buffered: true });";

/// The smallest contrast between a text and what is behind it.
const CONTRAST: &str = "(() => {
    const read = colour => colour.match(/[\\d.]+/g).map(Number);
    const light = ([r, g, b]) => {
        const [x, y, z] = [r, g, b].map(c => (c /= 255) <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
        return 0.2126 * x + 0.7152 * y + 0.0722 * z;
    };
    const behind = element => {
        for (let at = element; at; at = at.parentElement) {
            const colour = read(getComputedStyle(at).backgroundColor);
            if (colour.length < 4 || colour[3] > 0) return colour;
        }
        return [255, 255, 255];
    };
    let least = 99;
    for (const element of document.querySelectorAll('body *')) {
        const text = [...element.childNodes].some(node => node.nodeType === 3 && node.data.trim());
        if (!text || !element.checkVisibility()) continue;
        const [a, b] = [light(read(getComputedStyle(element).color)), light(behind(element))];
        least = Math.min(least, (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05));
    }
    return least;
})()";

/// Whether the page is loaded, and the box that one types into at once has the focus.
const READY: &str = "(() => {
    const box = document.querySelector('main [autofocus]');
    return document.readyState === 'complete' && (!box?.checkVisibility() || box === document.activeElement);
})()";

/// Where a page stands, for whoever reads why a test failed.
const STANDS: &str = "JSON.stringify({
    address: decodeURI(location.href),
    state: document.readyState,
    focus: document.activeElement?.outerHTML.slice(0, 200),
    keys: document.getElementById('single')?.checked,
    written: window.written,
    announced: window.announced,
    status: document.getElementById('status')?.innerText,
    suggestions: document.getElementById('suggestions')?.innerText,
}, null, 2)";

impl Window {
    fn new() -> Self {
        LazyLock::force(&SERVED);
        let browser = browser();
        let tab = tab(&browser);
        let seen = Arc::new(Mutex::new(Seen::default()));
        let into = seen.clone();
        tab.add_event_listener(Arc::new(move |event: &Event| {
            let mut seen = into.lock().unwrap();
            match event {
                Event::NetworkRequestWillBeSent(event) => {
                    seen.requests.push(event.params.request.url.clone());
                }
                Event::NetworkLoadingFinished(event) => {
                    seen.over += 1;
                    seen.bytes += event.params.encoded_data_length;
                }
                Event::NetworkLoadingFailed(_) => seen.over += 1,
                Event::RuntimeExceptionThrown(event) => {
                    seen.errors.push(event.params.exception_details.text.clone());
                }
                Event::LogEntryAdded(event) => {
                    let entry = &event.params.entry;
                    // That an address was wrong is no mistake of its page; but all that a page needs is there.
                    let is_page = !entry.url.as_deref().unwrap_or_default().contains("/assets/");
                    let refused = is_page && entry.text.contains("status of 40");
                    if entry.level == Log::LogEntryLevel::Error && !refused {
                        seen.errors.push(entry.text.clone());
                    }
                }
                _ => {}
            }
        }))
        .unwrap();
        let network = Network::Enable {
            max_total_buffer_size: None,
            max_resource_buffer_size: None,
            max_post_data_size: None,
            report_direct_socket_traffic: None,
            enable_durable_messages: None,
        };
        tab.call_method(network).unwrap();
        tab.call_method(Network::SetCacheDisabled { cache_disabled: true }).unwrap();
        tab.enable_log().unwrap().enable_runtime().unwrap();
        tab.call_method(Emulation::SetFocusEmulationEnabled { enabled: true }).unwrap();
        tab.call_method(Pages::AddScriptToEvaluateOnNewDocument {
            source: BEFORE.to_owned(),
            world_name: None,
            include_command_line_api: None,
            run_immediately: None,
        })
        .unwrap();
        Self { tab, seen, steps: AtomicUsize::new(0), _browser: browser }
    }

    /// As wide as a phone or a desk.
    fn size(&self, width: u32, height: u32) {
        self.tab
            .call_method(Emulation::SetDeviceMetricsOverride {
                width,
                height,
                device_scale_factor: 1.0,
                mobile: false,
                scale: None,
                screen_width: None,
                screen_height: None,
                position_x: None,
                position_y: None,
                dont_set_visible_size: None,
                screen_orientation: None,
                viewport: None,
                display_feature: None,
                device_posture: None,
            })
            .unwrap();
    }

    /// The system's setting, such as `prefers-color-scheme: dark`.
    fn prefers(&self, name: &str, value: &str) {
        self.emulate(None, name, value);
    }

    /// As on a sheet of A4, printed by somebody whose screen is dark.
    fn print(&self) {
        self.size(794, 1123);
        self.emulate(Some("print".to_owned()), "prefers-color-scheme", "dark");
    }

    fn emulate(&self, media: Option<String>, name: &str, value: &str) {
        let feature = Emulation::MediaFeature { name: name.to_owned(), value: value.to_owned() };
        let features = Some(vec![feature]);
        self.tab.call_method(Emulation::SetEmulatedMedia { media, features }).unwrap();
    }

    fn open(&self, page: &str) {
        self.tab
            .navigate_to(&format!("http://{}{page}", *SERVED))
            .unwrap()
            .wait_until_navigated()
            .unwrap();
        self.until(READY);
    }

    fn ask(&self, expression: &str) -> Value {
        self.tab.evaluate(expression, true).unwrap().value.unwrap_or_default()
    }

    fn text(&self, expression: &str) -> String {
        self.ask(expression).as_str().unwrap_or_default().to_owned()
    }

    /// Waits until `expression` holds, also across pages.
    #[track_caller]
    fn until(&self, expression: &str) {
        let start = Instant::now();
        loop {
            let value = self.tab.evaluate(expression, true).ok().and_then(|result| result.value);
            if value == Some(Value::Bool(true)) {
                return;
            }
            if start.elapsed() > PATIENCE {
                let stands = self.tab.evaluate(STANDS, false).map(|result| result.value);
                let stands = stands.ok().flatten().unwrap_or_default();
                panic!("never: {expression}\n{}", stands.as_str().unwrap_or("the page is silent"));
            }
            thread::sleep(Duration::from_millis(20));
        }
    }

    fn press(&self, key: &str) {
        self.tab.press_key(key).unwrap();
    }

    /// Puts in a whole text, as an input method does.
    fn write(&self, text: &str) {
        self.tab.send_character(text).unwrap();
    }

    /// Presses a key that leads to another page, and waits for it.
    #[track_caller]
    fn go(&self, key: &str) {
        // Also a page that comes back from the browser's memory, where it knows of an earlier step.
        let step = self.steps.fetch_add(1, Ordering::Relaxed);
        self.ask(&format!("window.step = {step}"));
        self.press(key);
        self.until(&format!("window.step !== {step} && document.readyState === 'complete'"));
    }

    /// Presses a key that copies, and says what was copied.
    #[track_caller]
    fn copied(&self, key: &str) -> String {
        self.ask("window.written = null; window.announced = []");
        self.press(key);
        self.until("window.written !== null && window.announced.includes('已复制')");
        self.text("window.written")
    }

    fn requests(&self, part: &str) -> usize {
        self.seen.lock().unwrap().requests.iter().filter(|url| url.contains(part)).count()
    }
}

impl Drop for Window {
    fn drop(&mut self) {
        let _ = self.tab.close_target();
    }
}

/// One key each copies the sentence, a message for a chat and a ticket, and on a tree the record of the call.
#[test]
fn keys_copy_what_to_say_a_message_and_a_ticket() {
    let window = Window::new();
    window.open("/search?q=短信核验要多久");
    let say = window.text("document.getElementById('say').innerText");
    assert_eq!(window.copied("c"), say);
    let chat = window.copied("w");
    assert!(chat.starts_with(&say) && chat.contains("依据《"), "{chat}");
    let ticket = window.copied("t");
    for part in [
        "问题：短信核验要多久",
        "答复：",
        "条目：",
        "依据：《",
        "注意：资料日期",
        "查询：2026-11-22",
    ] {
        assert!(ticket.contains(part), "{ticket} has no {part}");
    }
    window.open("/trees/needs-filing?location=hongkong&cdn=no");
    assert_eq!(window.copied("c"), window.text("document.getElementById('say').innerText"));
    let record = window.copied("t");
    assert!(record.contains("结论：") && record.contains("依据："), "{record}");
    window.open("/faq/server/how-many-sites");
    assert!(window.copied("c").starts_with("ECS、轻量应用服务器"));
    window.ask("document.querySelector('[data-link]').click()");
    window.until("window.written.endsWith('/faq/server/how-many-sites')");
}

/// From the customer's words to a sentence that can be read out without touching the mouse.
#[test]
fn frequent_questions_need_no_mouse() {
    let window = Window::new();
    for question in include_str!("../cases/page/questions.txt").lines() {
        window.open("/");
        window.write(question);
        window.go("Enter");
        // Where two entries are alike, the first is chosen.
        if window.ask("document.getElementById('say') === null") == true {
            window.go("1");
        }
        let say = window.copied("c");
        assert!(say.chars().count() > 10, "{question}: {say}");
    }
}

#[test]
fn a_question_is_asked_and_a_hit_opened_by_keyboard() {
    let window = Window::new();
    window.open("/trees");
    window.press("/");
    window.write("备案要多久");
    window.go("Enter");
    assert_eq!(window.text("document.activeElement.localName"), "body");
    // The options of the tree come first, then the other entries.
    window.until("document.querySelectorAll('.options .option').length > 3");
    window.press("ArrowDown");
    assert_eq!(window.ask("document.activeElement.matches('.option')"), true);
    window.press("ArrowUp");
    window.press("ArrowUp");
    while window.ask("document.activeElement.matches('a.item')") != true {
        window.press("ArrowDown");
    }
    window.go("Enter");
    assert!(window.text("location.pathname").starts_with("/faq/"));
    window.go("b");
    assert_eq!(window.text("location.pathname"), "/search");
    window.tab.press_key_with_modifiers("k", Some(&[ModifierKey::Ctrl])).unwrap();
    assert_eq!(window.text("document.activeElement.name"), "q");
    window.press("n");
    assert_eq!(window.text("location.pathname"), "/search", "keys are letters while one types");
    // Once out of the suggestions, once out of the box.
    window.press("Escape");
    window.press("Escape");
    window.go("n");
    assert_eq!(window.text("location.pathname"), "/");
    // One can type at once.
    window.until(READY);
    assert_eq!(window.text("document.activeElement.name"), "q");
}

#[test]
fn candidates_are_chosen_by_number() {
    let window = Window::new();
    window.open("/search?q=阿里云备案");
    let second = window.text("document.querySelectorAll('.primary .option')[1].pathname");
    window.go("2");
    assert_eq!(window.text("location.pathname"), second);
}

#[test]
fn keys_are_explained_and_can_be_turned_off() {
    let window = Window::new();
    window.open("/trees/needs-filing");
    window.press("?");
    assert_eq!(window.ask("document.getElementById('keys').open"), true);
    window.press("1");
    assert_eq!(window.text("location.search"), "", "no key works behind the list");
    window.ask("document.getElementById('single').click()");
    window.press("Escape");
    window.until("!document.getElementById('keys').open");
    window.press("?");
    assert_eq!(window.ask("document.getElementById('keys').open"), false);
    // Also on the next page, and not for ever.
    window.open("/trees/needs-filing");
    window.press("1");
    assert_eq!(window.text("location.search"), "");
    window.ask("document.getElementById('single').click()");
    window.go("1");
    assert!(window.text("location.search").starts_with("?location="));
}

#[test]
fn suggestions_are_chosen_with_arrow_and_enter() {
    let window = Window::new();
    window.open("/");
    window.write("短信");
    window.until("!document.getElementById('suggestions').hidden");
    assert_eq!(window.text("document.activeElement.getAttribute('aria-expanded')"), "true");
    window.until("document.getElementById('count').textContent.includes('个建议')");
    window.press("ArrowDown");
    let chosen = window.text("document.querySelector('[aria-selected=true]').id");
    assert_eq!(window.text("document.activeElement.getAttribute('aria-activedescendant')"), chosen);
    let to = window.text("document.querySelector('[aria-selected=true]').dataset.to");
    window.go("Enter");
    assert_eq!(
        window.text("decodeURI(location.pathname + location.search)"),
        window.text(&format!("decodeURI({to:?})"))
    );
    // Escape closes the list, and what was typed stays.
    window.open("/");
    window.write("短信");
    window.until("!document.getElementById('suggestions').hidden");
    window.press("Escape");
    assert_eq!(window.ask("document.getElementById('suggestions').hidden"), true);
    assert_eq!(window.text("document.activeElement.value"), "短信");
}

/// While an input method composes, nothing is asked, nothing sent, and no key means anything.
#[test]
fn an_input_method_is_left_alone() {
    let window = Window::new();
    window.open("/");
    for part in ["b", "bei", "bei an"] {
        let end = part.len() as u32;
        window
            .tab
            .call_method(Input::ImeSetComposition {
                text: part.to_owned(),
                selection_start: end,
                selection_end: end,
                replacement_start: None,
                replacement_end: None,
            })
            .unwrap();
    }
    // What a browser sends for a key that the input method takes.
    let enter = "document.activeElement.dispatchEvent(new KeyboardEvent('keydown', { key: 'Enter', keyCode: 229, isComposing: true, bubbles: true, cancelable: true }))";
    assert_eq!(window.ask(enter), false, "Enter is held back");
    // Longer than a page waits before it asks for suggestions.
    thread::sleep(Duration::from_millis(500));
    assert_eq!(window.requests("/api/v1/suggest"), 0);
    assert_eq!(window.text("location.pathname"), "/");
    assert_eq!(window.ask("document.getElementById('suggestions').hidden"), true);
    window.tab.send_character("备案").unwrap();
    window.until("!document.getElementById('suggestions').hidden");
    assert_eq!(window.text("document.activeElement.value"), "备案");
    // Asked was for what was composed, and for nothing on the way to it.
    assert_eq!(
        window.requests("/api/v1/suggest"),
        window.requests("/api/v1/suggest?q=%E5%A4%87%E6%A1%88")
    );
}

#[test]
fn a_tree_is_walked_by_keyboard() {
    let window = Window::new();
    window.open("/trees/needs-filing");
    // 中国香港, and the customer does not know about the CDN.
    window.go("2");
    assert_eq!(window.text("location.search"), "?location=hongkong");
    window.go("0");
    assert!(window.text("document.querySelector('main').innerText").contains("要看下面的情况"));
    window.go("b");
    assert_eq!(window.text("location.search"), "?location=hongkong");
    window.go("2");
    assert_eq!(window.text("location.search"), "?location=hongkong&cdn=no");
    assert_eq!(window.text("document.querySelector('.verdict').innerText"), "不用备案");
    // The first answer is changed; the other stays.
    window.ask("document.querySelector('.steps a').focus()");
    window.go("Enter");
    assert_eq!(
        window.text("document.querySelector('legend').innerText"),
        "网站放在哪里的服务器上？"
    );
    window.go("3");
    let given = window.text("location.search");
    assert!(given.contains("location=overseas") && given.contains("cdn=no"), "{given}");
    // Several boxes, then on with Enter.
    window.open("/trees/needs-filing?location=mainland&address=domain&host=other&filed=new&cdn=no");
    window.press("1");
    assert_eq!(window.ask("document.querySelector('[type=checkbox][name]').checked"), true);
    window.go("Enter");
    assert!(window.text("location.search").contains("shield="));
    window.go("n");
    assert_eq!(window.text("location.pathname"), "/");
}

/// Everything is there without JavaScript: the search, the answer, a tree to its end, and nothing that does not work.
#[test]
fn without_script_everything_is_there() {
    let window = Window::new();
    window.tab.call_method(Emulation::SetScriptExecutionDisabled { value: true }).unwrap();
    window.open("/");
    window.write("备案要多久");
    window.go("Enter");
    assert!(window.text("document.getElementById('say').innerText").contains("工作日"));
    assert_eq!(window.ask("document.querySelector('.tools').checkVisibility()"), false);
    window.open("/trees/needs-filing");
    for option in ["hongkong", "no"] {
        window.ask(&format!("document.querySelector('button[value={option}]').focus()"));
        window.go("Enter");
    }
    assert_eq!(window.text("document.querySelector('.verdict').innerText"), "不用备案");
}

/// How often a judgement was written down about an entry or outcome, or, where `id` is empty, about a question.
fn recorded(kind: &str, id: &str, question: &str) -> usize {
    let records = RECORDS.lock().unwrap();
    let same = |text: &Value, wanted: &str| text.as_str().unwrap_or_default() == wanted;
    let meant = |record: &&Value| {
        record["kind"] == kind && same(&record["id"], id) && same(&record["question"], question)
    };
    records.iter().filter(meant).count()
}

/// A judgement is written down once, and whoever gave it is thanked where they stood; with and without JavaScript.
#[test]
fn feedback_is_taken_and_thanked_for() {
    for script in [true, false] {
        let window = Window::new();
        let value = !script;
        window.tab.call_method(Emulation::SetScriptExecutionDisabled { value }).unwrap();
        let end = "/trees/needs-filing?location=hongkong&cdn=no";
        for (page, judgement, id, question) in [
            ("/search?q=短信核验要多久", "yes", "sms/deadline", "短信核验要多久"),
            ("/faq/server/how-many-sites", "no", "server/how-many-sites", ""),
            (end, "yes", "needs-filing/not-needed", ""),
            ("/search?q=专利年费怎么交", "gap", "", "专利年费怎么交"),
        ] {
            let before = recorded(judgement, id, question);
            window.open(page);
            if judgement == "gap" && script {
                window.go("g");
            } else {
                window.ask(&format!("document.querySelector('[value={judgement}]').focus()"));
                window.go("Enter");
            }
            let path = page.split('?').next().unwrap();
            assert_eq!(window.text("location.pathname"), path);
            assert_eq!(
                window.text("document.querySelector('.thanks').innerText"),
                "记下了，谢谢。"
            );
            let seen =
                "document.querySelector('.thanks').getBoundingClientRect().bottom < innerHeight";
            assert_eq!(window.ask(seen), true, "{page}");
            assert_eq!(window.text("document.querySelector('input[name=q]').value"), question);
            assert_eq!(window.ask("document.querySelector('[value=gap]')"), Value::Null);
            // Whoever looks again has not said it again.
            window.open(&format!("{page}{}thanks=1", if page.contains('?') { '&' } else { '?' }));
            assert_eq!(recorded(judgement, id, question), before + 1, "{page}, script: {script}");
        }
    }
}

/// Also what the server does not even read leads on.
#[test]
fn a_question_that_is_too_long_is_kept() {
    let window = Window::new();
    window.open(&format!("/search?q={}", "备案".repeat(4000)));
    assert_eq!(window.text("document.querySelector('h1').innerText"), "太长了");
    window.ask("document.querySelector('input[name=q]').focus()");
    window.go("Enter");
    assert!(window.text("document.querySelector('input[name=q]').value").starts_with("备案备案"));
    assert_eq!(window.text("location.pathname"), "/search");
}

/// On paper there is what was found and what it rests on, and nothing that one would press.
#[test]
fn printed_pages_are_whole_and_have_nothing_to_press() {
    let window = Window::new();
    window.print();
    let pressed = "[...document.querySelectorAll('nav, input[type=search], button:not(.option), .tools, .feedback, .related')]
        .filter(one => one.checkVisibility()).map(one => one.outerHTML.slice(0, 80)).join('\\n')";
    for (kind, page) in KINDS {
        window.open(page);
        assert_eq!(window.text(pressed), "", "{kind}");
        let over = window
            .ask("document.documentElement.scrollWidth - document.documentElement.clientWidth");
        assert_eq!(over, 0, "{kind} is wider than the sheet");
        assert_eq!(
            window.text("getComputedStyle(document.body).backgroundColor"),
            "rgb(255, 255, 255)"
        );
        let contrast = window.ask(CONTRAST).as_f64().unwrap();
        assert!(contrast > 7.0, "{kind}: {contrast}");
    }
    for page in ["/search?q=短信核验要多久", "/faq/sms/deadline"] {
        window.open(page);
        let shown = window.text("document.querySelector('main').innerText");
        for part in ["24 小时", "8 短信核验", "2019-08-16", "48 小时", "请核对是否仍有效"]
        {
            assert!(shown.contains(part), "{page} has no {part}: {shown}");
        }
    }
    // What is folded on the screen, and belongs to the answer, is not on paper.
    window.open("/faq/server/how-many-sites");
    assert_eq!(window.ask("document.querySelector('.disputed p').checkVisibility()"), true);
    // A link on paper has its address beside it.
    let beside =
        "getComputedStyle(document.querySelector('main a[rel=noreferrer]'), '::after').content";
    assert!(window.text(beside).starts_with("\"（"), "{}", window.text(beside));
}

/// Where the system chooses the colours, one still sees where one is and what is chosen.
#[test]
fn forced_colours_show_focus_and_choice() {
    let window = Window::new();
    window.prefers("forced-colors", "active");
    window.open("/search?q=阿里云备案");
    let outline = |of: &str| {
        let expression = format!(
            "(() => {{ const style = getComputedStyle({of}); \
             return style.outlineStyle + style.outlineWidth + (style.outlineColor !== getComputedStyle(document.body).backgroundColor); }})()"
        );
        window.text(&expression)
    };
    window.press("ArrowDown");
    assert_eq!(window.ask("document.activeElement.matches('.option')"), true);
    assert_eq!(outline("document.activeElement"), "solid2pxtrue");
    window.open("/");
    window.write("短信");
    window.until("!document.getElementById('suggestions').hidden");
    window.press("ArrowDown");
    assert_eq!(outline("document.querySelector('[aria-selected=true]')"), "solid2pxtrue");
    assert!(outline("document.querySelector('[aria-selected=false]')").starts_with("none"));
    window.open("/sources");
    window.ask("location.hash = document.querySelector('.source').id");
    window.until("document.querySelector('.source:target') !== null");
    assert_eq!(outline("document.querySelector('.source:target')"), "solid2pxtrue");
}

/// From a phone to a desk nothing runs over the edge, nothing moves, nothing goes wrong, and nobody else is asked.
#[test]
fn every_kind_of_page_fits_and_keeps_still() {
    let window = Window::new();
    for (width, height) in [(360, 640), (1280, 900)] {
        window.size(width, height);
        for (kind, page) in KINDS {
            window.open(page);
            window.until("performance.getEntriesByType('paint').length > 0");
            let over = window
                .ask("document.documentElement.scrollWidth - document.documentElement.clientWidth");
            assert_eq!(over, 0, "{kind} at {width} px");
            let shift = window.ask("window.shift").as_f64().unwrap();
            assert!(shift < STILL, "{kind} moves by {shift} at {width} px");
            let button = window.text("getComputedStyle(document.querySelector('button')).cursor");
            assert_eq!(button, "pointer", "{kind} has its style");
        }
        window.open("/search?q=接口异常");
        let below = "document.querySelector('.say').getBoundingClientRect().bottom - innerHeight";
        let below = window.ask(below).as_f64().unwrap();
        assert!(below < 0.0, "the answer ends {below} px below the window at {width} px");
    }
    let seen = std::mem::take(&mut *window.seen.lock().unwrap());
    assert_eq!(seen.errors, Vec::<String>::new());
    let own = format!("http://{}/", *SERVED);
    let elsewhere: Vec<_> = seen.requests.iter().filter(|url| !url.starts_with(&own)).collect();
    assert_eq!(elsewhere, Vec::<&String>::new());
}

#[test]
fn the_first_page_is_light() {
    let window = Window::new();
    window.open("/");
    let start = Instant::now();
    let bytes = loop {
        let seen = window.seen.lock().unwrap();
        if seen.over >= seen.requests.len() {
            break seen.bytes;
        }
        assert!(start.elapsed() < PATIENCE, "{:?}, {} are over", seen.requests, seen.over);
        drop(seen);
        thread::sleep(Duration::from_millis(20));
    };
    println!("{bytes} bytes over the wire for the first page");
    assert!(bytes > 3_000.0 && bytes <= FIRST_PAGE, "{bytes} bytes over the wire");
}

/// One can ask as soon as the first answer of the server is there, before style, script and pictures.
#[test]
fn the_first_page_is_usable_after_one_request() {
    let window = Window::new();
    let urls = ["*/assets/*", "*/favicon*", "*.xml"].map(str::to_owned).into();
    window.tab.call_method(Network::SetBlockedURLs { urls }).unwrap();
    window.open("/");
    assert_eq!(window.ask("document.documentElement.matches('.js')"), false);
    window.write("备案要多久");
    window.go("Enter");
    assert!(window.text("document.getElementById('say').innerText").contains("工作日"));
}

#[test]
fn dark_pages_and_pages_of_high_contrast_can_be_read() {
    let window = Window::new();
    let ground = "getComputedStyle(document.body).backgroundColor";
    for (_, page) in [KINDS[0], KINDS[2], KINDS[5], KINDS[6], KINDS[9], KINDS[11]] {
        let mut grounds = Vec::new();
        for (name, value, least) in [
            ("prefers-color-scheme", "light", 4.5),
            ("prefers-color-scheme", "dark", 4.5),
            ("prefers-contrast", "more", 5.5),
        ] {
            window.prefers(name, value);
            window.open(page);
            let contrast = window.ask(CONTRAST).as_f64().unwrap();
            assert!(contrast >= least, "{page}, {value}: {contrast}");
            grounds.push(window.text(ground));
        }
        assert_ne!(grounds[0], grounds[1], "{page} is not dark");
    }
}

/// What axe-core, which `scripts/test` fetches, finds on any kind of page.
#[test]
fn axe_finds_nothing() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/axe/package/axe.min.js");
    let axe = std::fs::read_to_string(&file)
        .unwrap_or_else(|_| panic!("no {}; `scripts/test` fetches axe-core", file.display()));
    let window = Window::new();
    let run = "axe.run().then(result => JSON.stringify(result.violations.map(
        one => [one.id, one.help, ...one.nodes.map(node => node.html)])))";
    let mut found = Vec::new();
    for (width, scheme) in [(1280, "light"), (360, "dark")] {
        window.size(width, 900);
        window.prefers("prefers-color-scheme", scheme);
        for (kind, page) in KINDS {
            window.open(page);
            window.tab.evaluate(&axe, false).unwrap();
            let violations = window.text(run);
            if violations != "[]" {
                found.push(format!("{kind}, {scheme}: {violations}"));
            }
        }
    }
    assert_eq!(found, Vec::<String>::new());
}

/// Pictures of every kind of page for `docs/screenshots`: `scripts/screenshots`.
#[test]
#[ignore = "writes files"]
fn screenshots() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/screenshots");
    std::fs::create_dir_all(&folder).unwrap();
    let window = Window::new();
    for (shape, width, height) in [("wide", 1280, 800), ("narrow", 360, 740)] {
        window.size(width, height);
        for scheme in ["light", "dark"] {
            window.prefers("prefers-color-scheme", scheme);
            for (kind, page) in KINDS {
                window.open(page);
                let format = Pages::CaptureScreenshotFormatOption::Png;
                let picture = window.tab.capture_screenshot(format, None, None, true).unwrap();
                std::fs::write(folder.join(format!("{kind}-{shape}-{scheme}.png")), picture)
                    .unwrap();
            }
        }
    }
}

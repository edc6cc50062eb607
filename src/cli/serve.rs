//! `jieda serve`: the page and the API, for as long as nobody stops it.
//!
//! Three threads share a [`Host`]: the first answers (`web::serve`), one keeps the content ([`keep`]), one hears signals.

use super::{
    Common,
    access::Access,
    log::{Format, Level, Log},
};
use jieda::{
    Error, Library, Result,
    error::chain,
    feedback::{self, Records},
    index::{Key, Proof},
    live::{Live, Reload, Served},
    web::{
        self, BUILD, Base, Cache, Control, Found, Limits, Makers, Metrics, Request, Response, Site,
    },
};
use jiff::{Timestamp, Zoned, civil::Date};
use serde_json::Value;
use std::{
    collections::BTreeMap,
    io::{self, Write},
    net::{IpAddr, SocketAddr, TcpListener},
    ops::RangeInclusive,
    panic::{self, AssertUnwindSafe},
    path::PathBuf,
    process::{self, ExitCode},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
        mpsc::{self, Receiver, RecvTimeoutError, Sender},
    },
    thread,
    time::{Duration, Instant},
};

/// How often the content is looked at with `--watch`, and the counts of what was refused are told.
const TICK: Duration = Duration::from_secs(1);

/// How long a request id is that is taken over from a proxy, in characters: shorter ones could be names.
const ID: RangeInclusive<usize> = 16..=64;

/// From which length on hexadecimal digits are no telephone number.
const RANDOM_ID: usize = 32;

/// 开网页和 JSON 接口，直到按 Ctrl-C
///
/// SIGHUP：重新载入内容和令牌文件。SIGTERM、Ctrl-C：答完手上的请求就停，最多 10 秒，退出状态 0。
///
/// 退出状态：0 停止了，2 出错，例如端口被占用。
#[derive(clap::Args)]
#[command(override_usage = "jieda serve [选项]", next_help_heading = "选项")]
pub(super) struct Args {
    /// 在哪个地址和端口上听；不写时是 127.0.0.1:8080，只有本机能打开
    #[arg(
        long,
        value_name = "地址:端口",
        default_value = "127.0.0.1:8080",
        hide_default_value = true
    )]
    addr: String,
    /// 内容文件夹一变就重新载入；有错误的内容不载入，继续用原来的
    #[arg(long)]
    watch: bool,
    /// 把“用得上/用不上”和没答上的问题记在这个文件夹里，号码、域名和邮箱会先遮住；不写时什么都不记（环境变量 JIEDA_DATA）
    #[arg(long, value_name = "文件夹", env = "JIEDA_DATA", hide_env = true)]
    data: Option<PathBuf>,
    /// 网页都放在这个路径下面，例如 /kb；不写时就在最上面
    #[arg(long, value_name = "路径", default_value = "/", hide_default_value = true)]
    base_path: String,
    /// 标准错误上的日志：text 或 json，每个请求一行，不写问题和是谁问的；不写时是 text
    #[arg(
        long,
        value_name = "格式",
        default_value = "text",
        hide_default_value = true,
        hide_possible_values = true
    )]
    log: Format,
    /// 令牌文件，每行一个；请求带 `Authorization: Bearer 令牌` 才看得到 internal 的条目
    #[arg(long, value_name = "文件")]
    token_file: Option<PathBuf>,
    /// 信任从这个 IP 来的代理；可以写几次，要和 --user-header 一起用
    #[arg(long, value_name = "IP", requires = "user_header")]
    trust_proxy: Vec<IpAddr>,
    /// 代理在这个请求头里写登录的人；有它才看得到 internal 的条目
    #[arg(long, value_name = "请求头", requires = "trust_proxy")]
    user_header: Option<String>,
}

/// What the threads share.
struct Host {
    live: Live,
    pages: Cache,
    makers: Makers,
    control: Control,
    metrics: Metrics,
    log: Log,
    access: Access,
    records: Option<Records>,
    base: Base,
    /// The day that `--today` names.
    day: Option<Date>,
    /// When the process started, and how many requests there have been since, for their ids.
    started: u64,
    requests: AtomicU64,
    /// Why the first content could not be served.
    failure: Mutex<Option<Error>>,
}

pub(super) fn run(args: &Args, common: &Common) -> Result<ExitCode> {
    let base: Base = args.base_path.parse()?;
    let header = args.user_header.as_deref().unwrap_or_default();
    let access = Access::open(args.token_file.as_deref(), &args.trust_proxy, header)?;
    let (listener, addr) = listen(&args.addr)?;
    let records = args
        .data
        .as_deref()
        .map(|data| Records::open(data, feedback::FILE_BYTES, Timestamp::now()));
    let control = Control::default();
    let host = Arc::new(Host {
        live: Live::new(common.place()),
        pages: Cache::default(),
        makers: Makers::start()?,
        metrics: Metrics::new(control.clone()),
        control,
        log: Log::start(args.log)?,
        access,
        records: records.transpose()?,
        base,
        day: common.today,
        started: Timestamp::now().as_nanosecond() as u64,
        requests: AtomicU64::new(0),
        failure: Mutex::new(None),
    });
    let told = Arc::clone(&host);
    panic::set_hook(Box::new(move |panic| {
        // What it says may quote a question, so only its place is told.
        let at = panic.location().map_or(String::new(), ToString::to_string);
        told.log.tell(
            Level::Error,
            "panic",
            "程序里有错误；请把这一行告诉维护的人",
            &[("at", at.into())],
        );
    }));
    let (orders, inbox) = mpsc::channel();
    hear(&host, orders.clone())?;
    let greeting = Greeting { out: Box::new(common.out()), addr, data: args.data.clone() };
    let keeper = Arc::clone(&host);
    let watch = args.watch;
    thread::Builder::new().name("content".into()).spawn(move || {
        // Kept, so that the inbox stays open where there are no signals.
        let _orders = orders;
        // A maker needs again what memory this leaves.
        let host = Arc::clone(&keeper);
        let begin = || keeper.makers.run(move || begin(&host, greeting, watch));
        match panic::catch_unwind(AssertUnwindSafe(begin)).unwrap_or(Err(Error::Panic)) {
            Ok(taken) => keep(&keeper, watch, taken, &inbox),
            Err(error) => {
                *keeper.failure.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
                keeper.control.stop();
            }
        }
    })?;
    let answering = Arc::clone(&host);
    web::serve(listener, Limits::default(), &host.control, move |request| {
        answering.answer(request)
    })
    .map_err(|source| Error::Accept { addr, source })?;
    if let Some(failure) = host.failure.lock().unwrap_or_else(PoisonError::into_inner).take() {
        return Err(failure);
    }
    host.log.tell(Level::Info, "stopped", "停止了", &[]);
    host.log.flush();
    Ok(ExitCode::SUCCESS)
}

/// The socket that systemd hands over, or else one at this address.
fn listen(addr: &str) -> Result<(TcpListener, SocketAddr)> {
    let failed = |source: io::Error| match source.kind() {
        io::ErrorKind::InvalidInput => Error::Address { addr: addr.to_owned() },
        _ => Error::Listen { addr: addr.to_owned(), source },
    };
    let handed = listenfd::ListenFd::from_env().take_tcp_listener(0).map_err(failed)?;
    let listener = match handed {
        Some(listener) => listener,
        None => TcpListener::bind(addr).map_err(failed)?,
    };
    listener.set_nonblocking(false).map_err(failed)?;
    let addr = listener.local_addr().map_err(failed)?;
    Ok((listener, addr))
}

/// What is said on standard output once there is something to see.
struct Greeting {
    out: Box<dyn Write + Send>,
    addr: SocketAddr,
    data: Option<PathBuf>,
}

/// Opens the first content, tells where it is, and returns the state of which it is.
fn begin(host: &Host, mut greeting: Greeting, watch: bool) -> Result<Key> {
    if watch && host.live.place().content.is_none() {
        host.log.tell(Level::Warn, "watch", FIXED, &[]);
    }
    let key = host.live.place().key()?;
    let library = Library::open_at(host.live.place(), &key, Proof::Full)?;
    let served = host.live.begin(library)?;
    let overview = &served.library.index.overview;
    let name = host.live.place().name();
    let (addr, base, entries) = (greeting.addr, &host.base, overview.entries);
    let mut text =
        format!("{name}：{entries} 个条目，网页在 http://{addr}{base}/ （按 Ctrl-C 停止）\n");
    if !overview.problems.is_empty() {
        let problems = overview.problems.len();
        text.push_str(&format!("内容里有 {problems} 个问题；`jieda check` 会列出来\n"));
    }
    if let Some(data) = &greeting.data {
        let data = data.display();
        text.push_str(&format!("反馈和没答上的问题记在 `{data}`；`jieda gaps` 会列出来\n"));
    }
    // Whether anybody reads it is no reason not to serve.
    drop(greeting.out.write_all(text.as_bytes()).and_then(|()| greeting.out.flush()));
    host.tell_served("start", "开始服务", &served, &[("addr", addr.to_string().into())]);
    if let Some(hint) = host.access.hint() {
        host.log.tell(Level::Warn, "tokens", &hint, &[]);
    }
    systemd::ready();
    // Whoever asks at once is answered meanwhile.
    served.warm()?;
    Ok(key)
}

const FIXED: &str = "内置内容编译在程序里，不会变，`--watch` 和 SIGHUP 不会重新载入它；要换内容请用 `--content` 指定文件夹";

/// Takes over what changes in the content, if that is watched, and whenever it is told to; `taken` is the state of what is
/// served.
fn keep(host: &Host, watch: bool, taken: Key, inbox: &Receiver<()>) {
    let key = || host.live.place().key().ok();
    let watch = watch && host.live.place().content.is_some();
    let (mut taken, mut last) = (Some(taken), None);
    let mut refused = BTreeMap::new();
    loop {
        match inbox.recv_timeout(TICK) {
            Ok(()) => {
                taken = key();
                host.reload_access();
                host.reload();
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return,
        }
        host.tell_refused(&mut refused);
        if watch {
            let now = key();
            // Twice the same: nothing is being copied just now.
            if now == last && now != taken && now.as_ref().is_none_or(|key| key.settled) {
                taken = now.clone();
                host.reload();
            }
            last = now;
        }
    }
}

impl Host {
    /// Answers a request, counts it and writes a line of log.
    fn answer(self: &Arc<Self>, request: &Request) -> Response {
        // The server counts what it refuses.
        if request.refused.is_some() {
            return self.respond(request);
        }
        let start = Instant::now();
        let id = self.id(request);
        let mut response = self.respond(request);
        response.headers.push(("X-Request-Id", id.clone().into()));
        let took = start.elapsed();
        self.metrics.count(response.route, response.status, response.answer, took);
        let mut fields: Vec<(&str, Value)> = vec![
            ("id", id.into()),
            ("method", method(&request.method).into()),
            ("route", response.route.into()),
            ("status", response.status.into()),
            ("bytes", response.body.len().into()),
            ("ms", (took.as_micros() as f64 / 1000.0).into()),
        ];
        fields.extend(response.answer.map(|answer| ("answer", answer.into())));
        self.log.tell(Level::Info, "request", "", &fields);
        response
    }

    fn respond(self: &Arc<Self>, request: &Request) -> Response {
        let metrics = || self.metrics.text(self.live.now(), self.live.stale());
        let Some(served) = self.live.now() else {
            return web::starting(&self.base, &metrics, request);
        };
        let internal = self.access.admits(request);
        let site = Site { metrics: Some(&metrics), ..self.site(&served, internal) };
        let mut response = match self.pages.find(site, request) {
            Found::Page(page) => page,
            Found::Never => web::routes(site, request),
            Found::New => {
                let (host, served) = (Arc::clone(self), Arc::clone(&served));
                let request = request.clone();
                let make = move || host.pages.routes(host.site(&served, internal), &request);
                self.makers.run(make)
            }
        };
        if internal {
            response.keep_private();
        }
        let (Some(record), Some(records)) = (&response.record, &self.records) else {
            return response;
        };
        match records.append(record, Timestamp::now()) {
            Ok(()) => response,
            Err(error) => {
                let message = "没有记下一条反馈；请检查 `--data` 的文件夹";
                self.log.tell(
                    Level::Error,
                    "record",
                    message,
                    &[("why", error.to_string().into())],
                );
                // An answer is worth more than the note that it was none.
                if request.method == "POST" { web::not_recorded(site, request) } else { response }
            }
        }
    }

    fn site<'a>(&'a self, served: &'a Served, internal: bool) -> Site<'a> {
        let day = self.day.unwrap_or_else(|| Zoned::now().date());
        Site {
            recording: self.records.is_some(),
            base: &self.base,
            stale: self.live.stale(),
            stopping: self.control.is_stopping(),
            ..Site::new(served.library(internal), day)
        }
    }

    /// The id that a proxy gave the request, or one of our own.
    fn id(&self, request: &Request) -> String {
        let mut given = request.values("x-request-id");
        let number = self.requests.fetch_add(1, Ordering::Relaxed);
        match (given.next(), given.next()) {
            (Some(id), None) if is_id(id) => id.to_owned(),
            _ => format!("{:x}-{number:x}", self.started),
        }
    }

    fn reload_access(&self) {
        match self.access.reload() {
            Ok(()) => {
                if let Some(hint) = self.access.hint() {
                    self.log.tell(Level::Warn, "tokens", &hint, &[]);
                }
            }
            Err(error) => {
                let why = [("why", chain(&error).into())];
                self.log.tell(Level::Error, "tokens", "令牌文件读不了，原来的令牌继续有效", &why);
            }
        }
    }

    /// Loads the content again and tells what became of it.
    fn reload(&self) {
        if self.live.place().content.is_none() {
            return self.log.tell(Level::Warn, "reload", FIXED, &[]);
        }
        systemd::reloading();
        let start = Instant::now();
        let reload = self.live.reload();
        let seconds = ("seconds", start.elapsed().as_secs_f64().into());
        let result = match &reload {
            Ok(Reload::Same) => "same",
            Ok(Reload::New(_)) => "new",
            Ok(Reload::Refused(_)) => "refused",
            Err(_) => "failed",
        };
        self.metrics.count_reload(result);
        let result = ("result", result.into());
        match reload {
            Ok(Reload::Same) => {
                self.log.tell(Level::Info, "reload", "内容没有变", &[result, seconds]);
            }
            Ok(Reload::New(served)) => {
                self.tell_served("reload", "换上了新的内容", &served, &[result, seconds]);
            }
            Ok(Reload::Refused(problems)) => {
                let mut errors = problems.iter().filter(|problem| problem.is_error());
                let first = errors.next().map_or(String::new(), ToString::to_string);
                let message = "新的内容有错误，没有换上，继续用原来的；请运行 `jieda check`";
                let fields = [result, ("problems", problems.len().into()), ("first", first.into())];
                self.log.tell(Level::Error, "reload", message, &fields);
            }
            Err(error) => {
                let why = ("why", chain(&error).into());
                let message = "新的内容载入不了，继续用原来的";
                self.log.tell(Level::Error, "reload", message, &[result, why]);
            }
        }
        systemd::ready();
    }

    fn tell_served(&self, event: &str, message: &str, served: &Served, more: &[(&str, Value)]) {
        for notice in &served.library.notices {
            self.log.tell(Level::Info, "notice", notice, &[]);
        }
        let overview = &served.library.index.overview;
        let mut fields: Vec<(&str, Value)> = vec![
            ("content", self.live.place().name().into()),
            ("version", overview.version.clone().into()),
            ("build", BUILD.into()),
            ("entries", overview.entries.into()),
            ("problems", overview.problems.len().into()),
        ];
        fields.extend_from_slice(more);
        self.log.tell(Level::Info, event, message, &fields);
    }

    /// Tells how many requests the server has refused since `before`, a line for each status.
    fn tell_refused(&self, before: &mut BTreeMap<u16, u64>) {
        let now = self.control.refused();
        for (status, count) in &now {
            let new = count - before.get(status).unwrap_or(&0);
            if new > 0 {
                let fields = [("status", (*status).into()), ("count", new.into())];
                self.log.tell(Level::Warn, "refused", "有请求没有受理", &fields);
            }
        }
        *before = now;
    }

    fn stop(&self, signal: &str) {
        self.log.tell(
            Level::Info,
            "stop",
            "不再接新的请求，答完手上的就停",
            &[("signal", signal.into())],
        );
        systemd::stopping();
        self.control.stop();
    }
}

/// The method, if it is one of those that there are; any text could be one.
fn method(name: &str) -> &'static str {
    const KNOWN: [&str; 7] = ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"];
    KNOWN.into_iter().find(|known| name == *known).unwrap_or("other")
}

/// Whether a request id from outside may stand in the log: plain, of a usual length, and nothing that tells who asked.
fn is_id(id: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    let random =
        id.len() >= RANDOM_ID && id.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-');
    ID.contains(&id.len()) && id.bytes().all(plain) && (random || feedback::mask(id) == id)
}

/// Listens to signals on a thread of its own: SIGHUP is an order to reload, SIGTERM and SIGINT stop the server, and a
/// second of them ends it at once.
#[cfg(unix)]
fn hear(host: &Arc<Host>, orders: Sender<()>) -> Result<()> {
    use signal_hook::{
        consts::{SIGHUP, SIGINT, SIGTERM},
        iterator::Signals,
        low_level::signal_name,
    };
    let mut signals = Signals::new([SIGHUP, SIGINT, SIGTERM])?;
    let host = Arc::clone(host);
    let listen = move || {
        for signal in signals.forever() {
            match signal {
                SIGHUP => drop(orders.send(())),
                _ if host.control.is_stopping() => process::exit(1),
                signal => host.stop(signal_name(signal).unwrap_or_default()),
            }
        }
    };
    thread::Builder::new().name("signals".into()).spawn(listen)?;
    Ok(())
}

/// Without such signals Ctrl-C ends the process.
#[cfg(not(unix))]
fn hear(_: &Arc<Host>, _: Sender<()>) -> Result<()> {
    Ok(())
}

/// Tells systemd how the service fares, if it has asked to know.
#[cfg(unix)]
mod systemd {
    use sd_notify::{NotifyState, notify};

    pub(super) fn ready() {
        drop(notify(&[NotifyState::Ready]));
    }

    pub(super) fn reloading() {
        if let Ok(now) = NotifyState::monotonic_usec_now() {
            drop(notify(&[NotifyState::Reloading, now]));
        }
    }

    pub(super) fn stopping() {
        drop(notify(&[NotifyState::Stopping]));
    }
}

#[cfg(not(unix))]
mod systemd {
    pub(super) fn ready() {}
    pub(super) fn reloading() {}
    pub(super) fn stopping() {}
}

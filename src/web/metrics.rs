//! What is counted for whoever watches the service, as Prometheus reads it.
//!
//! **No label comes from a reader:** routes, statuses and kinds of answers are closed lists.

use super::Control;
use crate::live::Served;
use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeMetric, text},
    metrics::{
        counter::{ConstCounter, Counter},
        family::Family,
        gauge::ConstGauge,
        histogram::Histogram,
        info::Info,
    },
    registry::Registry,
};
use std::{fmt, sync::Arc, time::Duration};

/// Answers take a millisecond or a few; what takes longer than the last bound is broken.
const BOUNDS: [f64; 10] = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 2.5];

type By<const N: usize> = Family<[(&'static str, &'static str); N], Counter>;

/// Everything that is counted since the start.
pub struct Metrics {
    registry: Registry,
    requests: Family<(Route, Status), Counter>,
    seconds: Family<Route, Histogram>,
    answers: By<1>,
    reloads: By<1>,
    control: Control,
}

type Route = [(&'static str, &'static str); 1];
type Status = [(&'static str, u16); 1];

impl Metrics {
    /// Nothing is counted yet; connections are those of `control`.
    pub fn new(control: Control) -> Self {
        let mut registry = Registry::with_prefix("jieda");
        let requests = Family::default();
        registry.register("requests", "Requests by route and status", requests.clone());
        let seconds: Family<Route, Histogram> =
            Family::new_with_constructor(|| Histogram::new(BOUNDS));
        registry.register("request_seconds", "Time to an answer by route", seconds.clone());
        let answers = By::default();
        registry.register("answers", "Questions by what became of them", answers.clone());
        let reloads = By::default();
        registry.register("reloads", "Reloads of the content by result", reloads.clone());
        let build = Info::new([("version", super::BUILD)]);
        registry.register("build", "The program", build);
        // A rate needs a series that begins at 0.
        for result in ["same", "new", "refused", "failed"] {
            drop(reloads.get_or_create(&[("result", result)]));
        }
        for status in ["answered", "choose", "ask", "unknown"] {
            drop(answers.get_or_create(&[("status", status)]));
        }
        Self { registry, requests, seconds, answers, reloads, control }
    }

    /// Counts an answer on `route`, and what became of its question, if it had one.
    pub fn count(
        &self,
        route: &'static str,
        status: u16,
        answer: Option<&'static str>,
        took: Duration,
    ) {
        let route = [("route", route)];
        self.requests.get_or_create(&(route, [("status", status)])).inc();
        self.seconds.get_or_create(&route).observe(took.as_secs_f64());
        if let Some(answer) = answer {
            self.answers.get_or_create(&[("status", answer)]).inc();
        }
    }

    /// Counts a reload: `same`, `new`, `refused` or `failed`.
    pub fn count_reload(&self, result: &'static str) {
        self.reloads.get_or_create(&[("result", result)]).inc();
    }

    /// All of it in the OpenMetrics text format, with what is served now and the problems of content that waits.
    pub fn text(&self, served: Option<Arc<Served>>, stale: Option<usize>) -> String {
        let mut now = Registry::with_prefix("jieda");
        now.register_collector(Box::new(Now { control: self.control.clone(), served, stale }));
        let mut text = String::new();
        text::encode_registry(&mut text, &self.registry)
            .and_then(|()| text::encode_registry(&mut text, &now))
            .and_then(|()| text::encode_eof(&mut text))
            .expect("writing to memory does not fail");
        text
    }
}

/// What stands elsewhere and is read when it is asked for.
struct Now {
    control: Control,
    served: Option<Arc<Served>>,
    stale: Option<usize>,
}

impl fmt::Debug for Now {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Now")
    }
}

impl Collector for Now {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let to = &mut encoder;
        let gauge = |value: f64| ConstGauge::new(value);
        put(to, "connections", "Open connections", &gauge(self.control.open() as f64))?;
        let accepted = ConstCounter::new(self.control.accepted());
        put(to, "connections_accepted", "Connections so far", &accepted)?;
        let refused = Family::<Status, Counter>::default();
        for (status, count) in self.control.refused() {
            refused.get_or_create(&[("status", status)]).inc_by(count);
        }
        put(to, "refused", "Requests that no route saw, by status", &refused)?;
        let stale = f64::from(u8::from(self.stale.is_some()));
        put(to, "content_stale", "Whether newer content is not served", &gauge(stale))?;
        let Some(served) = &self.served else { return Ok(()) };
        let overview = &served.library.index.overview;
        let problems = self.stale.unwrap_or(overview.problems.len());
        put(to, "entries", "Entries that are served", &gauge(overview.entries as f64))?;
        put(to, "problems", "Problems of the newest content", &gauge(problems as f64))?;
        let age = served.since.elapsed().as_secs_f64();
        put(to, "content_age_seconds", "Time since the content was taken over", &gauge(age))?;
        let content = Info::new([("version", overview.version.clone())]);
        put(to, "content", "The content that is served", &content)
    }
}

fn put(
    encoder: &mut DescriptorEncoder<'_>,
    name: &str,
    help: &str,
    metric: &impl EncodeMetric,
) -> fmt::Result {
    metric.encode(encoder.encode_descriptor(name, help, None, metric.metric_type())?)
}

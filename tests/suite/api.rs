//! What programs and browsers get besides pages: JSON and its description, tags, compression, feedback, refusals.

use super::{
    tree::{REFUND, small},
    web::SHIPPED,
};
use flate2::read::GzDecoder;
use jieda::{
    Library,
    feedback::{self, Records},
    web::{Request, Response, Site, api_routes, routes},
};
use jiff::{Timestamp, civil::date};
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    path::Path,
    process::{Command, Stdio},
};

/// A library with an entry that has moved and a tree that has a gap.
fn odd() -> Library {
    let gap = REFUND.replace("id = \"refund\"", "id = \"gap\"").replacen(
        "when = { opened = true }",
        "when = { opened = false }",
        1,
    );
    small(&[("trees/gap.toml", &gap), ("moved.toml", "\"old/id\" = \"money/freight\"\n")])
}

fn request(method: &str, target: &str, headers: &[(&str, &str)]) -> Request {
    let header = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    Request {
        method: method.into(),
        target: target.into(),
        headers: headers.iter().map(header).collect(),
        ..Request::default()
    }
}

fn site(library: &Library, recording: bool) -> Site<'_> {
    Site { recording, ..Site::new(library, date(2026, 11, 22)) }
}

fn get(target: &str, headers: &[(&str, &str)]) -> Response {
    routes(site(&SHIPPED, false), &request("GET", target, headers))
}

fn header<'r>(response: &'r Response, name: &str) -> Option<&'r str> {
    let mut values = response.headers.iter().filter(|(other, _)| *other == name);
    let value = values.next().map(|(_, value)| &**value);
    assert!(values.next().is_none(), "{name} twice");
    value
}

fn body(response: &Response) -> &str {
    std::str::from_utf8(&response.body).unwrap()
}

fn openapi() -> Value {
    let response = get("/openapi.json", &[]);
    assert_eq!(
        (response.status, header(&response, "Content-Type")),
        (200, Some("application/json"))
    );
    serde_json::from_slice(&response.body).unwrap()
}

/// The parameter, which may stand among the components.
fn parameter<'d>(description: &'d Value, parameter: &'d Value) -> &'d Value {
    match parameter["$ref"].as_str() {
        Some(reference) => description.pointer(reference.trim_start_matches('#')).unwrap(),
        None => parameter,
    }
}

#[test]
fn the_description_has_every_route_with_its_parameters() {
    let description = openapi();
    let mut described = BTreeMap::new();
    for (path, operations) in description["paths"].as_object().unwrap() {
        assert_eq!(operations.as_object().unwrap().keys().collect::<Vec<_>>(), ["get"], "{path}");
        let mut names = BTreeSet::new();
        for given in operations["get"]["parameters"].as_array().unwrap() {
            let given = parameter(&description, given);
            match (given["in"].as_str().unwrap(), given["schema"]["type"].as_str().unwrap()) {
                // Its properties are parameters: the questions of a tree.
                ("query", "object") => names.insert("*"),
                ("query", _) => names.insert(given["name"].as_str().unwrap()),
                ("path", _) => {
                    assert!(path.ends_with("{id}") && given["name"] == "id", "{path}");
                    false
                }
                _ => false,
            };
        }
        described.insert(path.as_str(), names);
    }
    let known: BTreeMap<&str, BTreeSet<&str>> =
        api_routes().map(|(path, names)| (path, names.iter().copied().collect())).collect();
    assert_eq!(described, known);
}

/// Every status that is described is answered, with a body in which every field is described and all are there.
#[test]
fn answers_are_as_described() {
    let description = openapi();
    let odd = odd();
    let tag = |target: &str| header(&get(target, &[]), "ETag").unwrap().to_owned();
    let mut seen = BTreeSet::new();
    let mut check = |path: &str, library: &Library, target: &str, headers: &[(&str, &str)]| {
        let response = routes(site(library, false), &request("GET", target, headers));
        let status = response.status.to_string();
        let described = &description["paths"][path]["get"]["responses"][&status];
        assert!(described.is_object(), "{target}: {status} is not described: {}", body(&response));
        for name in described["headers"].as_object().into_iter().flatten().map(|(name, _)| name) {
            assert!(header(&response, name).is_some(), "{target}: no {name}");
        }
        seen.insert((path.to_owned(), status.clone()));
        let Some(content) = described["content"].as_object() else {
            return assert!(response.body.is_empty(), "{target}");
        };
        let kind = header(&response, "Content-Type").unwrap();
        assert!(content.contains_key(kind), "{target}: {kind}");
        let value: Value = serde_json::from_slice(&response.body).unwrap();
        let wrong = mismatches(&description, &content[kind]["schema"], &value, "");
        assert!(wrong.is_empty(), "{target}: {wrong:#?}");
        if response.status >= 400 {
            assert_eq!(value["status"], response.status);
            assert!(value["detail"].as_str().unwrap().chars().any(|c| c > '\u{4e00}'), "{value}");
        }
    };
    for (path, target) in [
        ("/api/v1/ask", "/api/v1/ask?q=短信核验要多久"),
        ("/api/v1/ask", "/api/v1/ask?q=香港ECS要备案吗"),
        ("/api/v1/ask", "/api/v1/ask?q=香港ECS要备案吗&not=location&top=3"),
        ("/api/v1/ask", "/api/v1/ask?q=专利年费"),
        ("/api/v1/ask", "/api/v1/ask?q=被案&exact=1"),
        ("/api/v1/ask", "/api/v1/ask?q=备案"),
        ("/api/v1/search", "/api/v1/search?q=被案要多久&top=100&exact=0"),
        ("/api/v1/suggest", "/api/v1/suggest?q=备案"),
        ("/api/v1/suggest", "/api/v1/suggest?q=备案&format=opensearch"),
        ("/api/v1/suggest", "/api/v1/suggest?q="),
        ("/api/v1/entries", "/api/v1/entries"),
        ("/api/v1/topics", "/api/v1/topics"),
        ("/api/v1/sources", "/api/v1/sources"),
        ("/api/v1/trees", "/api/v1/trees"),
        ("/api/v1/trees/{id}", "/api/v1/trees/needs-filing"),
        ("/api/v1/trees/{id}", "/api/v1/trees/needs-filing?location=mainland&day=2026-01-01"),
        ("/api/v1/trees/{id}", "/api/v1/trees/needs-filing?location=hongkong&cdn=no"),
        ("/api/v1/trees/{id}", "/api/v1/trees/needs-filing?location=hongkong&cdn=unsure"),
        ("/api/v1/ask", "/api/v1/ask"),
        ("/api/v1/search", "/api/v1/search?q=x&top=0"),
        ("/api/v1/suggest", "/api/v1/suggest?q=x&format=xml"),
        ("/api/v1/entries", "/api/v1/entries?page=2"),
        ("/api/v1/entries/{id}", "/api/v1/entries/server/ens?full=1"),
        ("/api/v1/topics", "/api/v1/topics?x"),
        ("/api/v1/sources", "/api/v1/sources?x"),
        ("/api/v1/trees", "/api/v1/trees?x"),
        ("/api/v1/trees/{id}", "/api/v1/trees/needs-filing?moon=full"),
        ("/api/v1/entries/{id}", "/api/v1/entries/none"),
        ("/api/v1/trees/{id}", "/api/v1/trees/none"),
    ] {
        check(path, &SHIPPED, target, &[]);
        let response = get(target, &[]);
        if let Some(tag) = header(&response, "ETag") {
            check(path, &SHIPPED, target, &[("if-none-match", tag)]);
        }
    }
    check("/api/v1/entries/{id}", &odd, "/api/v1/entries/old/id", &[]);
    check("/api/v1/trees/{id}", &odd, "/api/v1/trees/gap", &[]);
    // Every entry and every tree.
    for entry in SHIPPED.summaries().unwrap() {
        check("/api/v1/entries/{id}", &SHIPPED, &format!("/api/v1/entries/{}", entry.id), &[]);
    }
    let tag = tag("/api/v1/entries/server%2Fens");
    check(
        "/api/v1/entries/{id}",
        &SHIPPED,
        "/api/v1/entries/server/ens",
        &[("if-none-match", &tag)],
    );
    for id in SHIPPED.index.forest.trees.keys() {
        check("/api/v1/trees/{id}", &SHIPPED, &format!("/api/v1/trees/{id}"), &[]);
    }
    let described: BTreeSet<(String, String)> = description["paths"]
        .as_object()
        .unwrap()
        .iter()
        .flat_map(|(path, operations)| {
            let statuses = operations["get"]["responses"].as_object().unwrap().keys();
            statuses.map(|status| (path.clone(), status.clone()))
        })
        .collect();
    assert_eq!(seen, described);
}

/// Where `value` is not as `schema` says. An object has all fields that are described and no others.
fn mismatches(description: &Value, schema: &Value, value: &Value, at: &str) -> Vec<String> {
    const UNDERSTOOD: [&str; 16] = [
        "$ref",
        "anyOf",
        "type",
        "enum",
        "required",
        "properties",
        "additionalProperties",
        "items",
        "prefixItems",
        "minItems",
        "minimum",
        "maximum",
        "minLength",
        "format",
        "default",
        "description",
    ];
    let schema = schema.as_object().unwrap_or_else(|| panic!("{at}: no schema"));
    let unknown = schema.keys().find(|key| !UNDERSTOOD.contains(&key.as_str()));
    assert_eq!(unknown, None, "{at}: the test does not understand this");
    let deeper = |schema: &Value, value: &Value, name: &str| {
        mismatches(description, schema, value, &format!("{at}/{name}"))
    };
    if let Some(reference) = schema.get("$ref").and_then(Value::as_str) {
        let target = description.pointer(reference.trim_start_matches('#')).unwrap();
        return mismatches(description, target, value, at);
    }
    if let Some(choices) = schema.get("anyOf").and_then(Value::as_array) {
        let tries = choices.iter().map(|choice| mismatches(description, choice, value, at));
        return tries.min_by_key(Vec::len).unwrap();
    }
    let kind = match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_f64() => "number",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    let allowed = match &schema["type"] {
        Value::Array(kinds) => kinds.clone(),
        kind => vec![kind.clone()],
    };
    let fits = |allowed: &Value| *allowed == kind || (*allowed == "number" && kind == "integer");
    let mut wrong = Vec::new();
    if !allowed.iter().any(fits) {
        return vec![format!("{at}: {kind} instead of {allowed:?}")];
    }
    if let Some(choices) = schema.get("enum").and_then(Value::as_array)
        && !choices.contains(value)
    {
        wrong.push(format!("{at}: {value} is not among {choices:?}"));
    }
    if let (Some("date"), Some(text)) =
        (schema.get("format").and_then(Value::as_str), value.as_str())
        && text.parse::<jiff::civil::Date>().is_err()
    {
        wrong.push(format!("{at}: {text} is no date"));
    }
    let number = |name: &str| schema.get(name).and_then(Value::as_f64);
    if let Some(found) = value.as_f64()
        && (number("minimum").is_some_and(|least| found < least)
            || number("maximum").is_some_and(|most| found > most))
    {
        wrong.push(format!("{at}: {found} is out of range"));
    }
    if let Value::Object(fields) = value {
        if let Some(properties) = schema.get("properties").and_then(Value::as_object) {
            let required = schema["required"].as_array().unwrap().iter();
            let required: BTreeSet<&str> = required.map(|name| name.as_str().unwrap()).collect();
            let named = |fields: &serde_json::Map<String, Value>| -> BTreeSet<String> {
                fields.keys().cloned().collect()
            };
            if named(fields) != named(properties) || required.len() != properties.len() {
                let (found, described) = (named(fields), named(properties));
                wrong.push(format!(
                    "{at}: has {found:?} instead of {described:?}, of which {required:?}"
                ));
            }
        }
        for (name, value) in fields {
            let own = schema.get("properties").and_then(|properties| properties.get(name));
            let rest = schema.get("additionalProperties");
            wrong.extend(own.or(rest).into_iter().flat_map(|schema| deeper(schema, value, name)));
        }
    }
    if let Value::Array(values) = value {
        let first = schema.get("prefixItems").and_then(Value::as_array);
        for (index, value) in values.iter().enumerate() {
            let schema = first.map_or(&schema["items"], |first| &first[index]);
            wrong.extend(deeper(schema, value, &index.to_string()));
        }
    }
    wrong
}

/// The check of answers against their description finds what is wrong.
#[test]
fn a_wrong_answer_does_not_pass() {
    let description = openapi();
    let schema = json!({ "$ref": "#/components/schemas/Topics" });
    let topic = |topic: Value| json!({ "version": "v", "topics": [topic] });
    let right = json!({ "id": "a", "title": "甲", "line": "", "entries": 1, "url": "/topics/a" });
    let wrong = |value: &Value| mismatches(&description, &schema, value, "").len();
    assert_eq!(wrong(&topic(right.clone())), 0);
    for (name, value) in [("entries", json!("1")), ("title", json!(null)), ("more", json!(1))] {
        let mut other = right.clone();
        other[name] = value;
        assert_eq!(wrong(&topic(other)), 1, "{name}");
    }
    let mut less = right;
    less.as_object_mut().unwrap().remove("url");
    assert_eq!(wrong(&topic(less)), 1);
}

#[test]
fn the_library_can_be_read_whole() {
    let read = |target: &str| -> Value { serde_json::from_slice(&get(target, &[]).body).unwrap() };
    let entries = read("/api/v1/entries");
    let all = entries["entries"].as_array().unwrap();
    assert_eq!(all.len(), SHIPPED.index.overview.entries);
    let entry = read("/api/v1/entries/need-filing/hongkong");
    assert_eq!(entry["entry"]["id"], "need-filing/hongkong");
    let shown = SHIPPED.entry("need-filing/hongkong").unwrap().unwrap();
    assert_eq!(entry["entry"], serde_json::to_value(jieda::wire::entry(&shown)).unwrap());
    let trees = entry["trees"].as_array().unwrap();
    assert!(trees.iter().any(|tree| tree["url"] == "/trees/needs-filing"), "{trees:?}");
    for related in entry["related"].as_array().unwrap() {
        assert_eq!(get(related["url"].as_str().unwrap(), &[]).status, 200);
    }
    let topics = read("/api/v1/topics");
    let counts = topics["topics"].as_array().unwrap().iter();
    assert_eq!(
        counts.map(|topic| topic["entries"].as_u64().unwrap()).sum::<u64>(),
        all.len() as u64
    );
    let sources = read("/api/v1/sources");
    let sources = sources["sources"].as_array().unwrap();
    assert_eq!(sources.len(), SHIPPED.index.overview.sources.len());
    for source in sources {
        assert!(source["entries"].as_u64().unwrap() > 0, "{source}");
    }
    let moved = routes(site(&odd(), false), &request("GET", "/api/v1/entries/old/id", &[]));
    assert_eq!(header(&moved, "Location"), Some("/api/v1/entries/money/freight"));
}

#[test]
fn what_a_client_has_is_not_sent_again() {
    let first = get("/faq/server/ens", &[]);
    let tag = header(&first, "ETag").unwrap().to_owned();
    assert!(tag.starts_with('"') && tag.ends_with('"') && tag.len() > 10, "{tag}");
    for known in [
        &*tag,
        &format!("W/{tag}"),
        "*",
        &format!("\"a,b\", {tag}"),
        &format!("\"x\",W/{tag} ,\"y\""),
    ] {
        let again = get("/faq/server/ens", &[("if-none-match", known)]);
        assert_eq!((again.status, again.body.len()), (304, 0), "{known}");
        assert_eq!(header(&again, "ETag"), Some(&*tag));
        assert_eq!(header(&again, "Cache-Control"), Some("no-cache"));
        assert_eq!(header(&again, "Vary"), Some("Accept-Encoding"));
        assert_eq!(
            (header(&again, "Content-Type"), header(&again, "Content-Encoding")),
            (None, None)
        );
    }
    for other in ["\"x\"", "", &tag[1..tag.len() - 1], "W/\"x\", \"y\""] {
        assert_eq!(get("/faq/server/ens", &[("if-none-match", other)]).status, 200, "{other}");
    }
    // Two header lines are one list.
    let two = [("if-none-match", "\"x\""), ("if-none-match", &*tag)];
    assert_eq!(get("/faq/server/ens", &two).status, 304);
    // Other bytes have another tag.
    let packed = get("/faq/server/ens", &[("accept-encoding", "gzip")]);
    assert_ne!(header(&packed, "ETag"), Some(&*tag));
    assert_ne!(header(&get("/faq/server/how-many-sites", &[]), "ETag"), Some(&*tag));
    let other_day = Site { day: date(2027, 11, 22), ..site(&SHIPPED, false) };
    let ask = request("GET", "/api/v1/ask?q=ens能备几个网站", &[]);
    assert_ne!(
        header(&routes(other_day, &ask), "ETag"),
        header(&routes(site(&SHIPPED, false), &ask), "ETag")
    );
    // What is not there has none.
    let missing = get("/faq/none", &[("if-none-match", "*")]);
    assert_eq!((missing.status, header(&missing, "ETag")), (404, None));
}

#[test]
fn long_texts_are_compressed_for_whoever_wants_it() {
    for (accepted, packed) in [
        ("gzip", true),
        ("gzip, deflate, br, zstd", true),
        ("GZIP;q=0.5", true),
        ("x-gzip", true),
        ("*", true),
        ("br;q=1, *;q=0.1", true),
        ("identity;q=0.5, gzip;q=1.0", true),
        ("gzip ; q=0.001", true),
        ("", false),
        ("br", false),
        ("gzip;q=0", false),
        ("gzip;q=0.000, *", false),
        ("*;q=0", false),
        ("identity", false),
        ("gzip;q=0.5, identity", false),
        ("gzip;q=NaN", false),
        ("gzip;q=-1", false),
        ("gzip;q=1e9", false),
        ("gzipped", false),
    ] {
        let response = get("/", &[("accept-encoding", accepted)]);
        assert_eq!(header(&response, "Content-Encoding"), packed.then_some("gzip"), "{accepted}");
        assert_eq!(header(&response, "Vary"), Some("Accept-Encoding"), "{accepted}");
    }
    let home = get("/", &[]);
    let style =
        body(&home).split("stylesheet\" href=\"").nth(1).unwrap().split('"').next().unwrap();
    let encoding = [("accept-encoding", "gzip")];
    for target in ["/", "/api/v1/entries", "/openapi.json", style, "/faq/none"] {
        let (plain, packed) = (get(target, &[]), get(target, &encoding));
        assert!(packed.body.len() < plain.body.len(), "{target}: {}", packed.body.len());
        let mut text = Vec::new();
        GzDecoder::new(&*packed.body).read_to_end(&mut text).unwrap();
        assert!(*text == *plain.body, "{target}");
        assert_eq!(packed.status, plain.status);
    }
    // What is small or no text stays as it is.
    for target in ["/healthz", "/robots.txt", "/favicon.ico", "/api/v1/suggest?q="] {
        let response = get(target, &encoding);
        let headers = (header(&response, "Content-Encoding"), header(&response, "Vary"));
        assert_eq!((response.status, headers), (200, (None, None)), "{target}");
    }
}

#[test]
fn a_browser_can_search_from_its_address_bar() {
    let home = get("/", &[]);
    assert!(body(&home).contains(r#"<link rel="search" href="/opensearch.xml""#));
    for (host, proxy, origin) in [
        ("kb.example", "", "http://kb.example"),
        ("kb.example:8080", "", "http://kb.example:8080"),
        ("kb.example", "https", "https://kb.example"),
        ("kb.example", "javascript", "http://kb.example"),
        ("127.0.0.1:80", "", "http://127.0.0.1:80"),
        ("[::1]:8080", "", "http://[::1]:8080"),
        ("[::1]", "", "http://[::1]"),
    ] {
        let response = get("/opensearch.xml", &[("host", host), ("x-forwarded-proto", proxy)]);
        assert_eq!(response.status, 200, "{host}");
        assert_eq!(
            header(&response, "Content-Type"),
            Some("application/opensearchdescription+xml")
        );
        let xml = body(&response);
        assert!(xml.contains(&format!("template=\"{origin}/search?q={{searchTerms}}\"")), "{xml}");
        let suggest = format!("{origin}/api/v1/suggest?q={{searchTerms}}&amp;format=opensearch\"");
        assert!(xml.contains(&suggest), "{xml}");
    }
    for host in
        ["", "a b", "a\"b", "<b>", "a/b", "a:b", "a:0", "a:99999", "a..b", "[::x]", "a@b", "备案"]
    {
        assert_eq!(get("/opensearch.xml", &[("host", host)]).status, 400, "{host}");
    }
    assert_eq!(get("/opensearch.xml", &[]).status, 400);
    let below = Site { base: "/kb", ..site(&SHIPPED, false) };
    let below = routes(below, &request("GET", "/kb/opensearch.xml", &[("host", "kb.example")]));
    assert!(body(&below).contains("\"http://kb.example/kb/search?q="), "{}", body(&below));
    let response = get("/api/v1/suggest?q=beian&format=opensearch", &[]);
    let Value::Array(parts) = serde_json::from_slice(&response.body).unwrap() else { panic!() };
    assert_eq!((parts.len(), &parts[0]), (4, &"beian".into()));
    assert!(!parts[1].as_array().unwrap().is_empty());
}

#[test]
fn there_is_an_icon() {
    let home = get("/", &[]);
    let icon = body(&home).split("rel=\"icon\" href=\"").nth(1).unwrap().split('"').next().unwrap();
    let response = get(icon, &[]);
    assert_eq!((response.status, header(&response, "Content-Type")), (200, Some("image/svg+xml")));
    let response = get("/favicon.ico", &[]);
    assert_eq!((response.status, &response.body[..4]), (200, &[0, 0, 1, 0][..]));
}

/// What cannot be answered says so: people get a page that leads on, programs problem details.
#[test]
fn bad_requests_are_refused_with_a_way_on() {
    let many = "a=1&".repeat(101);
    for (method, target, status, what) in [
        ("GET", "/search?q=%zz", 400, "两位十六进制"),
        ("GET", "/search?q=100%", 400, "两位十六进制"),
        ("GET", "/faq/%e", 400, "两位十六进制"),
        ("GET", "/search?q=%B1%B8%B0%B8", 400, "不是 UTF-8"),
        ("GET", "/faq/%ff%fe", 400, "不是 UTF-8"),
        ("GET", "/%FF?q=x", 400, "不是 UTF-8"),
        ("GET", "/search?q=a&q=b", 400, "写了不止一次"),
        ("GET", "/search?q=a&top=0", 400, "1 到 100"),
        ("GET", "/search?q=a&top=99999999999999999999", 400, "1 到 100"),
        ("GET", "/search?q=a&exact=maybe", 400, "请写 1 或 0"),
        ("GET", &format!("/search?{many}"), 400, "参数太多"),
        ("GET", "/trees/needs-filing?day=2026-02-30", 400, "不是日期"),
        ("GET", "/none", 404, "没有这一页"),
        ("GET", "/faq/../../etc/passwd", 404, "没有这一页"),
        ("GET", "/faq/%00", 404, "没有这一页"),
        ("GET", "*", 404, "没有这一页"),
        ("POST", "/search?q=x", 405, "只接受 GET, HEAD"),
        ("DELETE", "/none", 405, "只接受 GET, HEAD"),
        ("OPTIONS", "*", 405, "只接受 GET, HEAD"),
        ("GET", "/feedback", 404, "没有这一页"),
        ("GET", "/api/v1/ask?q=%zz", 400, "两位十六进制"),
        ("GET", "/api/v1/ask?q=%B1%B8", 400, "不是 UTF-8"),
        ("GET", "/api/v1/ask?q=a&q=b", 400, "写了不止一次"),
        ("GET", "/api/v1/ask?q=a&tpo=3", 400, "不认识参数 `tpo`；有 `q`、`top`"),
        ("GET", "/api/v1/ask?q=+", 400, "请用参数 q"),
        ("GET", "/api/v1/search?q=a&top=101", 400, "1 到 100"),
        ("GET", &format!("/api/v1/trees/needs-filing?{many}"), 400, "参数太多"),
        ("GET", "/api/v1/none", 404, "有 /api/v1/ask"),
        ("GET", "/api/v2/ask?q=a", 404, "有 /api/v1/ask"),
        ("POST", "/api/v1/ask?q=x", 405, "只接受 GET, HEAD"),
    ] {
        let response = routes(site(&SHIPPED, false), &request(method, target, &[]));
        let text = body(&response);
        assert!(
            response.status == status && text.contains(what),
            "{target}: {} {text}",
            response.status
        );
        assert_eq!(header(&response, "Allow"), (status == 405).then_some("GET, HEAD"), "{target}");
        if target.starts_with("/api/") {
            assert_eq!(
                header(&response, "Content-Type"),
                Some("application/problem+json"),
                "{target}"
            );
        } else {
            assert_eq!(
                header(&response, "Content-Type"),
                Some("text/html; charset=utf-8"),
                "{target}"
            );
            assert!(text.contains("name=\"q\"") && text.contains("href=\"/\""), "{target}: {text}");
        }
    }
    // What can be read of the question stays in the box.
    let response = get("/search?q=%E5%A4%87%E6%A1%88100%", &[]);
    assert!(body(&response).contains("value=\"备案100%\""));
    // Leading slashes name no other host, and a question survives a slash too many.
    assert_eq!(header(&get("//evil.example/", &[]), "Location"), Some("/evil.example"));
    // Browsers read a backslash as a slash.
    assert_eq!(header(&get("/\\evil.example/", &[]), "Location"), Some("/evil.example"));
    assert_eq!(header(&get("/search/?q=x", &[]), "Location"), Some("/search?q=x"));
    assert_eq!(get("/faq/none%2F", &[]).status, 404);
    // A long question is cut, not refused.
    assert_eq!(get(&format!("/search?q={}", "%E5%A4%87".repeat(2000)), &[]).status, 200);
}

/// Every kind of answer has the headers that keep it safe, and no page has a script or a style of its own.
#[test]
fn no_answer_can_be_abused() {
    let odd = odd();
    let inline = regex::Regex::new(
        r#"(?i)<style|\sstyle="|\son[a-z]+="|="javascript:|<script(?:>|[^>]*[^>]>[^<])"#,
    )
    .unwrap();
    let mut pages = 0;
    for (library, recording) in [(&*SHIPPED, false), (&*SHIPPED, true), (&odd, true)] {
        for target in [
            "/",
            "/search?q=短信核验要多久",
            "/search?q=香港ECS要备案吗",
            "/search?q=专利年费",
            "/search?q=%3Cscript%3Ealert(1)%3C/script%3E%22%20onload=%22x",
            "/search?q=",
            "/search?q=%zz",
            "/faq/server/how-many-sites",
            "/faq/none",
            "/faq/old/id",
            "/topics/access",
            "/trees",
            "/trees/gap",
            "/trees/needs-filing",
            "/trees/needs-filing?location=%3Cb%3E",
            "/trees/needs-filing?location=hongkong&cdn=no",
            "/trees/needs-filing?all=1",
            "/trees/needs-filing/graph",
            "/sources",
            "/opensearch.xml",
            "/openapi.json",
            "/favicon.ico",
            "/robots.txt",
            "/healthz",
            "/feedback",
            "/api/v1/ask?q=备案",
            "/api/v1/ask",
            "/api/v1/none",
        ] {
            let host = [("host", "kb.example")];
            let response = routes(site(library, recording), &request("GET", target, &host));
            let policy = header(&response, "Content-Security-Policy").unwrap();
            for part in [
                "default-src 'none'",
                "script-src 'self'",
                "style-src 'self'",
                "base-uri 'none'",
                "form-action 'self'",
                "frame-ancestors 'none'",
            ] {
                assert!(policy.contains(part), "{target}: {policy}");
            }
            assert!(!policy.contains("unsafe") && !policy.contains('*'), "{target}: {policy}");
            for (name, value) in [
                ("X-Content-Type-Options", "nosniff"),
                ("Referrer-Policy", "same-origin"),
                ("Cross-Origin-Opener-Policy", "same-origin"),
                ("Cross-Origin-Resource-Policy", "same-origin"),
            ] {
                assert_eq!(header(&response, name), Some(value), "{target}");
            }
            if header(&response, "Content-Type") == Some("text/html; charset=utf-8") {
                pages += 1;
                let found = inline.find(body(&response)).map(|found| found.as_str());
                assert_eq!(found, None, "{target}");
            }
        }
    }
    assert!(pages > 40, "only {pages} pages");
    assert!(inline.is_match("<script>x") && inline.is_match("<script defer>x</script>"));
}

/// A form of the page, with headers of their own.
fn post(form: &str, headers: &[(&str, &str)]) -> Response {
    let mut request = request("POST", "/feedback", headers);
    if !headers.iter().any(|(name, _)| *name == "content-type") {
        let kind = "application/x-www-form-urlencoded".to_owned();
        request.headers.push(("content-type".to_owned(), kind));
    }
    request.headers.push(("host".to_owned(), "kb.example:8080".to_owned()));
    request.body = form.into();
    routes(site(&SHIPPED, true), &request)
}

#[test]
fn feedback_is_taken_and_leads_back() {
    for (form, location) in [
        ("id=server/ens&useful=yes&back=/faq/server/ens", "/faq/server/ens?thanks=1"),
        (
            "id=server%2Fens&q=&useful=no&back=%2Ffaq%2Fserver%2Fens%23top",
            "/faq/server/ens?thanks=1#top",
        ),
        ("id=&q=a+b&useful=gap&back=%2Fsearch%3Fq%3Da%2Bb", "/search?q=a+b&thanks=1"),
        ("q=x&useful=gap&back=/search?q=x%26thanks=1", "/search?q=x&thanks=1"),
        ("id=needs-filing/not-needed&q=x&useful=yes&back=/", "/?thanks=1"),
    ] {
        let response = post(form, &[]);
        assert_eq!(
            (response.status, header(&response, "Location")),
            (303, Some(location)),
            "{form}"
        );
        assert!(response.record.is_some() && response.body.is_empty());
    }
    let form = "id=server/ens&useful=yes&back=/";
    for (form, status, what) in [
        ("id=server/ens&back=/", 400, "yes、no 或 gap"),
        ("id=server/ens&useful=perhaps&back=/", 400, "yes、no 或 gap"),
        ("useful=yes&back=/", 400, "说的是哪一条"),
        ("q=x&useful=yes&back=/", 400, "说的是哪一条"),
        ("id=none&useful=yes&back=/", 400, "没有条目或结论 <code>none</code>"),
        ("id=server/ens&useful=yes", 400, "<code>back</code>"),
        ("id=server/ens&useful=yes&back=//evil.example", 400, "<code>back</code>"),
        ("id=server/ens&useful=yes&back=/%5Cevil.example", 400, "<code>back</code>"),
        ("id=server/ens&useful=yes&back=https://evil.example", 400, "<code>back</code>"),
        ("id=server/ens&useful=yes&back=/%0D%0ASet-Cookie:x", 400, "<code>back</code>"),
        ("id=server/ens&useful=yes&useful=no&back=/", 400, "写了不止一次"),
        ("id=%zz&useful=yes&back=/", 400, "两位十六进制"),
        ("id=%ff&useful=yes&back=/", 400, "不是 UTF-8"),
    ] {
        let response = post(form, &[]);
        assert!(
            response.status == status && body(&response).contains(what),
            "{form}: {}",
            body(&response)
        );
        assert!(response.record.is_none(), "{form}");
    }
    for kind in ["application/json", "text/plain", "multipart/form-data; boundary=x", ""] {
        assert_eq!(post(form, &[("content-type", kind)]).status, 415, "{kind}");
    }
    let kind = "Application/X-WWW-Form-Urlencoded; charset=UTF-8";
    assert_eq!(post(form, &[("content-type", kind)]).status, 303);
    // Where nothing is recorded there is no such address; where it is, only forms are taken.
    let form = request("POST", "/feedback", &[]);
    assert_eq!(routes(site(&SHIPPED, false), &form).status, 404);
    let response = routes(site(&SHIPPED, true), &request("GET", "/feedback", &[]));
    assert_eq!((response.status, header(&response, "Allow")), (405, Some("POST")));
}

#[test]
fn other_sites_cannot_leave_feedback() {
    let form = "id=server/ens&useful=yes&back=/";
    for (headers, status) in [
        (&[][..], 303),
        (&[("origin", "http://kb.example:8080")][..], 303),
        (&[("origin", "https://KB.example:8080"), ("sec-fetch-site", "same-origin")], 303),
        (&[("sec-fetch-site", "none")], 303),
        (&[("sec-fetch-site", "cross-site")], 403),
        (&[("sec-fetch-site", "same-site")], 403),
        (&[("sec-fetch-site", "cross-site"), ("origin", "http://kb.example:8080")], 403),
        (&[("origin", "http://evil.example")], 403),
        (&[("origin", "http://kb.example")], 403),
        (&[("origin", "http://kb.example:8080.evil.example")], 403),
        (&[("origin", "null")], 403),
        (&[("origin", "")], 403),
    ] {
        let response = post(form, headers);
        assert_eq!(
            (response.status, response.record.is_some()),
            (status, status == 303),
            "{headers:?}"
        );
    }
}

#[test]
fn unanswered_questions_are_kept_when_recording() {
    let record = |recording, target: &str| {
        routes(site(&SHIPPED, recording), &request("GET", target, &[])).record
    };
    for target in ["/search?q=专利年费", "/api/v1/ask?q=专利年费"] {
        assert!(record(true, target).is_some(), "{target}");
        assert!(record(false, target).is_none(), "{target}");
    }
    // Coming back from feedback is not asking again, and what was answered is no gap.
    for target in [
        "/search?q=专利年费&thanks=1",
        "/search?q=短信核验要多久",
        "/api/v1/ask?q=短信核验要多久",
        "/",
    ] {
        assert!(record(true, target).is_none(), "{target}");
    }
}

#[test]
fn who_asked_is_not_written_down() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases/masks.tsv");
    let cases = fs::read_to_string(path).unwrap();
    let cases: Vec<(&str, &str)> =
        cases.lines().skip(1).map(|line| line.split_once('\t').unwrap()).collect();
    assert!(cases.len() > 20);
    for (asked, kept) in cases {
        assert_eq!(feedback::mask(asked), kept, "{asked}");
        assert_eq!(feedback::mask(kept), kept, "masked again");
    }
    assert_eq!(feedback::mask("138\u{200b}1234\u{200b}5678"), "［号码］");
}

/// Several processes write into one folder; lines that were cut off are skipped, and the rest is counted together.
#[test]
fn records_of_all_processes_are_merged() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("new/data");
    let kind = feedback::Kind::Unknown;
    let time = |second: i64| Timestamp::new(1_795_000_000 + second, 0).unwrap();
    let record = |kind, id: &str, question: &str| feedback::Record::new(kind, id, question, "v1");
    let first = Records::open(&data, feedback::FILE_BYTES, time(0)).unwrap();
    let second = Records::open(&data, feedback::FILE_BYTES, time(1)).unwrap();
    first.append(&record(kind, "", "专利年费怎么交？"), time(2)).unwrap();
    second.append(&record(kind, "", "專利年費怎麼交"), time(3)).unwrap();
    second.append(&record(feedback::Kind::Gap, "", "专利年费怎么交"), time(4)).unwrap();
    first.append(&record(kind, "", "打13812345678"), time(5)).unwrap();
    first.append(&record(feedback::Kind::No, "server/ens", "ENS 是什么"), time(6)).unwrap();
    first.append(&record(feedback::Kind::Yes, "server/ens", "ENS 能备几个"), time(7)).unwrap();
    fs::write(
        data.join("torn.jsonl"),
        "{\"time\":\"2026-11-22T00:00:00Z\",\"kind\":\"gap\",\"id\":nu",
    )
    .unwrap();
    fs::write(data.join("README"), "not a record").unwrap();
    let (lines, torn) = feedback::read(&data).unwrap();
    assert_eq!((lines.len(), torn), (6, 1));
    let (gaps, judged) = feedback::gaps(&lines);
    let seen: Vec<(&str, usize, usize, usize)> =
        gaps.iter().map(|gap| (&*gap.question, gap.count, gap.unknown, gap.reported)).collect();
    assert_eq!(
        seen,
        [("专利年费怎么交", 2, 2, 1), ("ENS 是什么", 1, 0, 1), ("打［号码］", 1, 1, 0)]
    );
    assert_eq!((judged[0].id.as_str(), judged[0].yes, judged[0].no), ("server/ens", 1, 1));
    for path in fs::read_dir(&data).unwrap() {
        assert!(!fs::read_to_string(path.unwrap().path()).unwrap().contains("138"));
    }
}

/// A full file is left as it is, and what comes next goes into another; all of them are read.
#[test]
fn files_of_records_stay_small() {
    let data = tempfile::tempdir().unwrap();
    let time = |second: i64| Timestamp::from_second(1_800_000_000 + second).unwrap();
    let records = Records::open(data.path(), 1000, time(0)).unwrap();
    for second in 1..=50 {
        let record = feedback::Record::new(feedback::Kind::Unknown, "", "专利年费", "v");
        records.append(&record, time(second)).unwrap();
    }
    let files = fs::read_dir(data.path()).unwrap().map(|file| file.unwrap());
    let sizes: Vec<u64> = files.map(|file| file.metadata().unwrap().len()).collect();
    assert!(sizes.len() > 3 && sizes.iter().all(|size| *size < 1200), "{sizes:?}");
    let (lines, torn) = feedback::read(data.path()).unwrap();
    assert_eq!((lines.len(), torn), (50, 0));
    assert_eq!(feedback::gaps(&lines).0[0].count, 50);
    // Somebody clears the folder, which a running process survives.
    fs::remove_dir_all(data.path()).unwrap();
    let record = feedback::Record::new(feedback::Kind::Gap, "", "专利年费", "v");
    records.append(&record, time(60)).unwrap();
    assert_eq!(feedback::read(data.path()).unwrap().0.len(), 1);
}

/// From the button to the list of gaps, as the server runs.
#[test]
fn a_server_that_records_feeds_the_list_of_gaps() {
    let (index, data) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let jieda = || {
        let mut command = Command::new(env!("CARGO_BIN_EXE_jieda"));
        command.current_dir(env!("CARGO_MANIFEST_DIR")).env("JIEDA_INDEX", index.path());
        command.env("JIEDA_DATA", data.path()).env_remove("JIEDA_CONTENT");
        command
    };
    let mut server =
        jieda().args(["serve", "--addr", "127.0.0.1:0"]).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(server.stdout.take().unwrap()).lines().map(Result::unwrap);
    let line = lines.next().unwrap();
    let address = line.split("http://").nth(1).unwrap().split('/').next().unwrap().to_owned();
    assert!(lines.next().unwrap().contains("jieda gaps"));
    let send = |head: &str, body: &str| {
        let mut stream = TcpStream::connect(&address).unwrap();
        let length = body.len();
        let request = format!(
            "{head}\r\nHost: {address}\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{body}"
        );
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    };
    let kind = "Content-Type: application/x-www-form-urlencoded";
    assert!(
        send("GET /search?q=专利年费怎么交13812345678 HTTP/1.1", "").starts_with("HTTP/1.1 200")
    );
    let answer = send(
        &format!("POST /feedback HTTP/1.1\r\n{kind}\r\nOrigin: http://{address}"),
        "q=专利年费怎么交13812345678&useful=gap&back=/search?q=x",
    );
    assert!(
        answer.starts_with("HTTP/1.1 303") && answer.contains("Location: /search?q=x&thanks=1"),
        "{answer}"
    );
    let long = "x".repeat(64 * 1024 + 1);
    assert!(send(&format!("POST /feedback HTTP/1.1\r\n{kind}"), &long).starts_with("HTTP/1.1 413"));
    server.kill().unwrap();
    server.wait().unwrap();
    let gaps = jieda().args(["gaps", "--json"]).output().unwrap();
    let gaps: Value = serde_json::from_slice(&gaps.stdout).unwrap();
    assert_eq!(gaps["gaps"][0]["question"], "专利年费怎么交［号码］");
    assert_eq!((&gaps["gaps"][0]["unknown"], &gaps["gaps"][0]["reported"]), (&1.into(), &1.into()));
    let shown = jieda().arg("gaps").output().unwrap();
    let shown = String::from_utf8(shown.stdout).unwrap();
    assert!(shown.contains("1 次  专利年费怎么交［号码］（最近 "), "{shown}");
}

use jieda::{
    Library, Place,
    content::File,
    web::{Cache, Request, Response, Site, routes},
};
use jiff::civil::{Date, date};
use std::sync::LazyLock;

const DAY: Date = date(2026, 11, 22);

pub(super) static SHIPPED: LazyLock<Library> =
    LazyLock::new(|| Library::of(&Place::default().files().unwrap()).unwrap());

fn get(library: &Library, target: &str) -> Response {
    let request = Request {
        method: "GET".into(),
        target: target.into(),
        headers: vec![("host".into(), "kb.example".into())],
        ..Request::default()
    };
    routes(Site::new(library, DAY), &request)
}

fn page(target: &str) -> String {
    let response = get(&SHIPPED, target);
    assert_eq!(response.status, 200, "{target}");
    String::from_utf8(response.body.to_vec()).unwrap()
}

#[track_caller]
fn header<'r>(response: &'r Response, name: &str) -> &'r str {
    &response.headers.iter().find(|(other, _)| *other == name).unwrap().1
}

#[test]
fn the_answer_stands_on_top_with_source_and_date() {
    let html = page("/search?q=短信核验要多久");
    let say = html.find("收到核验短信的 24 小时内").unwrap();
    assert!(say < html.find("其他条目").unwrap());
    assert!(html.contains("8.2 验证码有效时长") && html.contains("48 小时"));
    assert!(html.contains("资料日期 2019-08-16，请核对是否仍有效"));
    assert!(html.contains("<mark>短信核验</mark>"));
}

#[test]
fn what_is_not_there_is_said() {
    let html = page("/search?q=%E4%B8%93%E5%88%A9%E5%B9%B4%E8%B4%B9%E6%80%8E%E4%B9%88%E4%BA%A4");
    assert!(
        html.contains("库里没有。")
            && html.contains("没有对上的词：专利")
            && html.contains("最近的条目")
    );
}

#[test]
fn home_leads_to_topics_and_topics_to_entries() {
    let home = page("/");
    assert!(
        home.contains("autofocus") && home.contains(r#"href="/topics/verify%2Dproduct""#),
        "{home}"
    );
    let topic = page("/topics/verify-product");
    assert!(topic.contains(r#"href="/faq/verify-product/interface-error""#));
    let entry = page("/faq/verify-product/interface-error");
    assert!(entry.contains("<h1>提示「验证产品信息失败,接口异常」怎么办？</h1>"));
    assert!(entry.contains(r#"href="/topics/verify%2Dproduct""#) && entry.contains("相关条目"));
}

/// Home is made from what was counted when the index was written; counted again from the entries it is the same.
#[test]
fn home_shows_how_many_entries_there_are_and_what_changed_last() {
    let library = &*SHIPPED;
    let entries: Vec<_> = library.index.entries().map(Result::unwrap).collect();
    let home = page("/");
    for topic in &library.index.overview.topics {
        let count = entries.iter().filter(|entry| entry.topic == topic.id).count();
        let line = format!("{}</a> <span class=\"count\">{count}</span>", topic.title);
        assert_eq!(home.contains(&line), count > 0, "{line}");
    }
    let mut changed: Vec<_> = entries.iter().filter(|entry| !entry.changed.is_empty()).collect();
    changed.sort_by_key(|entry| std::cmp::Reverse(entry.as_of));
    let places: Vec<_> =
        changed.iter().map(|entry| home.find(&format!("<a href=\"{}\">", entry.url()))).collect();
    assert!(places.len() > 5 && places[..5].is_sorted() && places[..5].iter().all(Option::is_some));
    assert_eq!(places[5..].iter().flatten().count(), 0);
    assert_eq!(home.matches("<p>从前 ").count(), 5);
}

#[test]
fn a_question_cannot_become_markup() {
    let html = page("/search?q=%22%3E%3Cscript%3Ealert(1)%3C/script%3E");
    assert!(!html.contains("<script>") && html.contains("&#60;script&#62;"), "{html}");
}

#[test]
fn no_page_asks_another_host() {
    for target in ["/", "/search?q=聚石塔", "/faq/server/how-many-sites", "/topics/access"] {
        let response = get(&SHIPPED, target);
        let policy = header(&response, "Content-Security-Policy");
        assert!(policy.starts_with("default-src 'none'") && !policy.contains("http"));
        let html = String::from_utf8(response.body.to_vec()).unwrap();
        assert!(
            !html.contains("src=\"http") && !html.contains("@import") && !html.contains("src=\"//")
        );
    }
}

#[test]
fn style_sheet_and_script_have_addresses_of_their_own() {
    let home = page("/");
    for (before, kind) in [
        ("stylesheet\" href=\"", "text/css; charset=utf-8"),
        ("script src=\"", "text/javascript; charset=utf-8"),
    ] {
        let address = home.split(before).nth(1).unwrap().split('"').next().unwrap();
        let response = get(&SHIPPED, address);
        assert_eq!((response.status, header(&response, "Content-Type")), (200, kind));
        assert!(header(&response, "Cache-Control").contains("immutable"));
    }
}

#[test]
fn ask_and_search_speak_json() {
    let ask: serde_json::Value =
        serde_json::from_str(&page("/api/v1/ask?q=ens能备几个网站")).unwrap();
    assert_eq!(ask["status"], "answered");
    assert_eq!(ask["answer"]["kind"], "fact");
    assert_eq!(ask["answer"]["id"], "fact:product/ens/sites");
    let fact = ask["answer"]["url"].as_str().unwrap();
    assert!(page(fact).contains(ask["answer"]["say"].as_str().unwrap()), "{fact}");
    assert_eq!(ask["answer"]["sources"][0]["date"], "2019-06-14");
    assert_eq!(ask["day"], "2026-11-22");
    for field in [
        "version",
        "query",
        "understood",
        "corrections",
        "unmatched",
        "confidence",
        "also",
        "choices",
        "tree",
        "hits",
    ] {
        assert!(ask.get(field).is_some(), "{field}");
    }
    let hit = &ask["hits"][0];
    for field in ["rank", "id", "title", "trail", "score", "text", "snippet", "url", "also_at"] {
        assert!(hit.get(field).is_some(), "{field}");
    }
    let unknown: serde_json::Value = serde_json::from_str(&page("/api/v1/ask?q=专利年费")).unwrap();
    assert_eq!(
        (&unknown["status"], &unknown["answer"]),
        (&"unknown".into(), &serde_json::Value::Null)
    );
    let search: serde_json::Value =
        serde_json::from_str(&page("/api/v1/search?q=聚石塔&top=2")).unwrap();
    assert_eq!(search["hits"].as_array().unwrap().len(), 2);
}

#[test]
fn errors_say_what_to_do() {
    let response = get(&SHIPPED, "/api/v1/ask?q=");
    assert_eq!(
        (response.status, header(&response, "Content-Type")),
        (400, "application/problem+json")
    );
    assert!(String::from_utf8(response.body.to_vec()).unwrap().contains("请用参数 q"));
    let response = get(&SHIPPED, "/api/v1/none");
    assert_eq!(
        (response.status, header(&response, "Content-Type")),
        (404, "application/problem+json")
    );
    let response = get(&SHIPPED, "/search?q=a&q=b");
    assert_eq!(response.status, 400);
    let page = String::from_utf8(response.body.to_vec()).unwrap();
    assert!(page.contains("<p>参数 <code>q</code> 写了不止一次；请只写一次。</p>"), "{page}");
    let response = get(&SHIPPED, "/faq/none");
    assert_eq!(response.status, 404);
    assert!(String::from_utf8(response.body.to_vec()).unwrap().contains("没有这一页"));
    let post = Request { method: "POST".into(), target: "/".into(), ..Request::default() };
    let response = routes(Site::new(&SHIPPED, DAY), &post);
    assert_eq!((response.status, header(&response, "Allow")), (405, "GET, HEAD"));
    assert_eq!(get(&SHIPPED, "/search?q=").status, 302);
}

/// What the server does not take is a page for people and problem details for programs.
#[test]
fn refusals_of_the_server_lead_on() {
    let refused = |base: &str, target: &str, status| {
        let request =
            Request { target: target.into(), refused: Some(status), ..Request::default() };
        let response = routes(Site { base, ..Site::new(&SHIPPED, DAY) }, &request);
        assert_eq!(response.status, status);
        (
            header(&response, "Content-Type").to_owned(),
            String::from_utf8(response.body.to_vec()).unwrap(),
        )
    };
    for status in [400, 408, 413, 414, 417, 431, 500, 501, 503, 505] {
        let (kind, page) = refused("", "/search?q=%E5%A4%87%E6%A1%88&x=%E5", status);
        assert_eq!(kind, "text/html; charset=utf-8");
        for part in [r#"action="/search""#, r#"value="备案""#, r#"<a href="/">首页</a>"#] {
            assert!(page.contains(part), "{status}: {page}");
        }
        let (kind, details) = refused("", "/api/v1/ask?q=%E5", status);
        let details: serde_json::Value = serde_json::from_str(&details).unwrap();
        assert_eq!((&*kind, &details["status"]), ("application/problem+json", &status.into()));
    }
    // Also where the address is not known, and below a base path.
    assert!(refused("/kb", "", 503).1.contains(r#"action="/kb/search""#));
    assert_eq!(refused("/kb", "/kb/api/v1/ask", 413).0, "application/problem+json");
}

#[test]
fn health_and_readiness() {
    assert_eq!(page("/healthz"), "ok\n");
    let ready: serde_json::Value = serde_json::from_str(&page("/readyz")).unwrap();
    assert_eq!((&ready["content"], &ready["problems"]), (&"current".into(), &0.into()));
}

/// Every page of the shipped content and of the vendor sample can be opened, and so can all it links to.
#[test]
fn no_link_on_any_page_is_broken() {
    let vendor = super::cases("content").into_iter().find(|case| case.ends_with("vendor")).unwrap();
    let vendor = Library::of(&jieda::content::read(&vendor).unwrap()).unwrap();
    let link = regex::Regex::new(r#"(?:href|src)="(/[^"]*)""#).unwrap();
    for library in [&*SHIPPED, &vendor] {
        let mut open = vec!["/".to_owned()];
        let mut seen = std::collections::BTreeSet::new();
        while let Some(target) = open.pop() {
            if !seen.insert(target.clone()) {
                continue;
            }
            let response = get(library, &target);
            assert_eq!(response.status, 200, "{target}");
            let html = String::from_utf8_lossy(&response.body);
            // Of a tree the first page, all its questions and its drawing; not every place of every walk.
            let links = link.captures_iter(&html).map(|found| {
                let link = found[1].replace("&#38;", "&");
                link.split('#').next().unwrap_or_default().to_owned()
            });
            let wanted = |target: &String| {
                !target.starts_with("/trees/") || !target.contains('=') || target.contains("all=1")
            };
            open.extend(links.filter(wanted));
        }
        assert!(seen.len() > library.index.overview.entries, "only {} pages", seen.len());
    }
}

#[test]
fn pictures_of_the_content_are_shown_and_nothing_else_is_given_out() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("a.md"), "# 甲\n\n![图](b c.png)\n").unwrap();
    std::fs::write(folder.path().join("b c.png"), "PNG").unwrap();
    let place =
        Place { content: Some(folder.path().into()), index: Some(folder.path().join(".index")) };
    let library = Library::open(&place, jieda::index::Proof::Full).unwrap();
    let html = String::from_utf8(get(&library, "/faq/a").body.to_vec()).unwrap();
    assert!(html.contains(r#"<img loading="lazy" src="/media/b%20c.png" alt="图">"#), "{html}");
    assert_eq!(*get(&library, "/media/b%20c.png").body, *b"PNG");
    for target in
        ["/media/a.md", "/media/../b%20c.png", "/media//etc/passwd", "/media/%2e%2e/x.png"]
    {
        assert_eq!(get(&library, target).status, 404, "{target}");
    }
}

/// Addresses, days, states and versions of the content in any order: with the cache each answer is what it is without, with what
/// is to be written down and counted; also when a small cache would have to make room.
#[test]
fn a_page_that_was_asked_before_is_the_same_to_the_byte() {
    let library = |days: u32| {
        let entry = format!("# 退款多久到账\n\n退款在 {days} 天内到账。\n");
        let secret = "+++\ntitle = \"退款口令是什么？\"\ninternal = true\n+++\n蓝鲸。\n".to_owned();
        let file = |path: &str, text: String| File { path: path.into(), bytes: Ok(text.into()) };
        Library::of(&[file("a.md", entry), file("b.md", secret)]).unwrap()
    };
    let (three, five) = (library(3), library(5));
    let public = five.public().unwrap().unwrap();
    let mut sites = Vec::new();
    for library in [&three, &five, &public] {
        let site = Site::new(library, DAY);
        sites.extend([
            site,
            Site { day: date(2030, 1, 1), ..site },
            Site { recording: true, ..site },
            Site { stale: Some(2), ..site },
            Site { base: "/kb", ..site },
            Site { stopping: true, ..site },
        ]);
    }
    let targets = [
        "/",
        "/search?q=退款多久到账",
        "/search?q=%E9%80%80%E6%AC%BE%E5%A4%9A%E4%B9%85%E5%88%B0%E8%B4%A6",
        "/search?q=退款多久到账&thanks=1",
        "/search?q=退款多久到账&top=1",
        "/search?q=口令",
        "/search?q=专利",
        "/%73earch?q=口令",
        "/faq/a/退款多久到账",
        "/faq/none",
        "/sources",
        "/trees",
        "/api/v1/ask?q=退款多久到账",
        "/api/v1/ask?q=专利",
        "/api/v1/entries",
        "/api/v1/suggest?q=tk",
        "/api/v1/suggest?q=tk&format=opensearch",
        "/openapi.json",
        "/opensearch.xml",
        "/readyz",
        "/kb",
        "/kb/",
        "/kb/search?q=口令",
        "/kb/search?q=专利",
    ];
    let cache = Cache::default();
    let mut state = 7_u32;
    let mut random = |below: usize| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as usize % below
    };
    let (mut tags, mut unchanged) = (vec!["\"none\"".to_owned()], 0);
    for _ in 0..4000 {
        let all = [
            ("host", "kb.example".to_owned()),
            ("accept-encoding", ["gzip, br", "gzip;q=0"][random(2)].to_owned()),
            ("if-none-match", tags.join(", ")),
        ];
        let count = [1, 2, 3][random(3)];
        let headers = all[..count].iter().map(|(name, value)| ((*name).to_owned(), value.clone()));
        let request = Request {
            method: ["GET", "GET", "GET", "POST"][random(4)].into(),
            target: targets[random(targets.len())].into(),
            headers: headers.collect(),
            ..Request::default()
        };
        let site = sites[random(sites.len())];
        let response = cache.routes(site, &request);
        assert_eq!(format!("{response:?}"), format!("{:?}", routes(site, &request)), "{request:?}");
        unchanged += usize::from(response.status == 304);
        let tag = response.headers.into_iter().find(|(name, _)| *name == "ETag");
        tags.extend(tag.map(|(_, tag)| tag.into_owned()).filter(|tag| !tags.contains(tag)));
    }
    assert!(unchanged > 100, "only {unchanged} had it already");
}

#[test]
fn an_entry_that_moved_is_still_found() {
    let file =
        |path: &str, text: &str| File { path: path.into(), bytes: Ok(text.as_bytes().to_vec()) };
    let library = Library::of(&[
        file("sources.toml", "[[source]]\nid = \"s\"\ntitle = \"规则\"\ndate = 2024-03-05\nsection = [{ id = \"1\", title = \"x\" }]\n"),
        file("topics.toml", "[[topic]]\nid = \"money\"\ntitle = \"钱\"\n"),
        file("moved.toml", "\"old/id\" = \"money/new\"\n"),
        file("faq/money/new.md", "+++\ntitle = \"新？\"\nsources = [\"s#1\"]\n+++\n新。\n"),
    ])
    .unwrap();
    let response = get(&library, "/faq/old/id");
    assert_eq!((response.status, header(&response, "Location")), (302, "/faq/money/new"));
}

#[test]
fn a_tree_is_walked_page_by_page() {
    let first = page("/trees/needs-filing");
    assert!(first.contains("网站放在哪里的服务器上？") && first.contains("客户不清楚"));
    let second = page("/trees/needs-filing?location=hongkong");
    assert!(second.contains(r#"<input type="hidden" name="location" value="hongkong">"#));
    let end = page("/trees/needs-filing?location=hongkong&cdn=no");
    assert!(
        end.contains("不用备案")
            && end.contains("通话记录")
            && end.contains("/faq/need-filing/hongkong")
    );
    let unsure = page("/trees/needs-filing?location=hongkong&cdn=unsure");
    assert!(unsure.contains("要看下面的情况"), "{unsure}");
    let all = page("/trees/needs-filing?all=1");
    assert!(all.contains("看结论") && all.contains("高防 IP 用的是什么线路？"));
    let drawn = page("/trees/needs-filing/graph?location=hongkong&cdn=no");
    assert!(drawn.contains("<svg") && drawn.contains("edge taken"));
    assert!(all.contains("type=\"checkbox\"") && all.contains("type=\"radio\""));
    assert!(page("/trees").contains("/trees/site-name"));
    assert!(page("/").contains("/trees/needs-filing"));
    assert!(page("/faq/need-filing/hongkong").contains("一步一步问"));
}

#[test]
fn a_tree_stands_beside_the_answer() {
    let html = page("/search?q=香港ECS要备案吗");
    assert!(html.contains("不用备案") && html.contains("去掉") && html.contains("因为"), "{html}");
    // Without one of the chips the tree asks again.
    let without = html.split('"').find(|part| part.contains("not=location")).unwrap();
    let html = page(&without.replace("&amp;", "&").replace("&#38;", "&"));
    assert!(html.contains("接着问：网站放在哪里的服务器上？"), "{html}");
    let ask: serde_json::Value =
        serde_json::from_str(&page("/api/v1/ask?q=香港ECS要备案吗")).unwrap();
    assert_eq!(ask["answer"]["kind"], "outcome");
    assert_eq!(ask["tree"]["heard"]["location"], "hongkong");
    assert_eq!(ask["tree"]["assumed"]["cdn"], "no");
    assert_eq!(ask["tree"]["outcome"], "not-needed");
}

#[test]
fn trees_speak_json() {
    let trees: serde_json::Value = serde_json::from_str(&page("/api/v1/trees")).unwrap();
    assert_eq!(trees.as_array().unwrap().len(), 19);
    let walk: serde_json::Value =
        serde_json::from_str(&page("/api/v1/trees/needs-filing?location=mainland&day=2026-01-01"))
            .unwrap();
    assert_eq!(walk["day"], "2026-01-01");
    assert_eq!(walk["next"]["question"], "address");
    assert!(walk["possible"].as_array().unwrap().len() > 5);
    let end: serde_json::Value =
        serde_json::from_str(&page("/api/v1/trees/needs-filing?cdn=no&location=hongkong")).unwrap();
    assert_eq!(end["outcome"]["id"], "not-needed");
    assert_eq!(end["outcome"]["cites"][0]["id"], "need-filing/hongkong");
    assert_eq!(end["url"], "/trees/needs-filing?location=hongkong&cdn=no");
}

#[test]
fn wrong_addresses_of_trees_say_what_to_do() {
    for (target, status, what) in [
        ("/api/v1/trees/nowhere", 404, "没有树 `nowhere`"),
        ("/api/v1/trees/needs-filing?moon=full", 400, "没有问题 `moon`"),
        ("/api/v1/trees/needs-filing?location=moon", 400, "`location` 不能是 `moon`"),
        ("/api/v1/trees/server-eligible?months=9999", 400, "`months` 不能是 `9999`"),
        ("/api/v1/trees/needs-filing?day=gestern", 400, "`day` 不是日期"),
        ("/trees/needs-filing?location=moon", 400, "`location` 不能是 `moon`"),
        ("/trees/nowhere", 404, "没有这一页"),
    ] {
        let response = get(&SHIPPED, target);
        let body = String::from_utf8(response.body.to_vec()).unwrap();
        assert!(
            response.status == status && body.contains(what),
            "{target}: {} {body}",
            response.status
        );
    }
}

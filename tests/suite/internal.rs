//! Who sees what: internal entries, and files outside of the content.

use super::{
    running::{Server, World},
    tree::REFUND,
};
use jieda::{
    Library, Place,
    content::{self, File},
    index::Proof,
    web::{Request, Site, api_routes, routes},
};
use jiff::civil::date;
use std::{
    fs,
    net::IpAddr,
    os::unix::fs::{PermissionsExt, symlink},
    path::Path,
    process::{Command, Output},
};

/// Words that stand in nothing but internal entries, and in what speaks of them.
const SECRETS: [&str; 9] = [
    "蓝鲸",
    "口令",
    "money/secret",
    "staff",
    "值班",
    "memo-9",
    "店长备忘",
    "secret.png",
    "whisper",
];

/// A folder of ours with internal entries, and everything that can lead to them.
fn secretive() -> Vec<File> {
    let case = super::cases("content").into_iter().find(|case| case.ends_with("ours")).unwrap();
    let mut files = content::read(&case).unwrap();
    let mut put = |path: &str, text: &str| {
        files.retain(|file| file.path != path);
        files.push(File { path: path.into(), bytes: Ok(text.as_bytes().to_vec()) });
    };
    let sources = fs::read_to_string(case.join("sources.toml")).unwrap();
    let memo = "[[source]]\nid = \"memo-9\"\ntitle = \"店长备忘\"\ndate = 2024-03-05\nsection = [{ id = \"1\", title = \"值班\" }]\n";
    put("sources.toml", &format!("{sources}{memo}"));
    put(
        "topics.toml",
        "[[topic]]\nid = \"money\"\ntitle = \"退款\"\n[[topic]]\nid = \"staff\"\ntitle = \"值班表\"\n",
    );
    put("moved.toml", "\"old/secret\" = \"money/secret\"\n");
    put(
        "faq/money/secret.md",
        "+++\ntitle = \"店员的折扣口令是什么？\"\nask = [\"打折暗语\"]\ninternal = true\nsources = [\"memo-9#1\", \"rules-2024#1\"]\n+++\n口令是蓝鲸七号。\n\n![蓝鲸](secret.png)\n",
    );
    put(
        "faq/staff/duty.md",
        "+++\ntitle = \"今天谁值班？\"\ninternal = true\nsources = [\"memo-9#1\"]\n+++\n看值班表。\n",
    );
    put(
        "faq/money/open.md",
        "+++\ntitle = \"有没有折扣？\"\nsources = [\"rules-2024#1\"]\nrelated = [\"money/secret\", \"money/freight\", \"tree:whisper\"]\n+++\n没有公开的折扣。\n\n再[看看](secret.md)，<a href=\"secret.md\">也看</a>，![图](open.png)。\n",
    );
    let whisper = REFUND
        .replace("id = \"refund\"", "id = \"whisper\"")
        .replace("能退款吗？", "店员能打折吗？")
        .replacen("cite = [\"money/freight\"]", "cite = [\"money/secret\"]", 1);
    put("trees/whisper.toml", &whisper);
    let refund = REFUND.replacen(
        "cite = [\"money/freight\"]\n",
        "cite = [\"money/freight\"]\nnext = [{ tree = \"whisper\" }]\n",
        1,
    );
    put("trees/refund.toml", &refund);
    for picture in ["secret.png", "open.png"] {
        put(&format!("faq/money/{picture}"), "");
    }
    files
}

fn get(library: &Library, target: &str) -> (u16, String) {
    let headers = vec![("host".to_owned(), "here".to_owned())];
    let (method, target) = ("GET".to_owned(), target.to_owned());
    let request = Request { method, target, headers, ..Request::default() };
    let response = routes(Site::new(library, date(2025, 11, 22)), &request);
    let headers: String = response.headers.iter().map(|(_, value)| format!("{value}\n")).collect();
    (response.status, headers + &String::from_utf8_lossy(&response.body))
}

/// Every kind of address, with ids and questions that would find what is internal.
fn targets() -> Vec<String> {
    let asked = ["店员的折扣", "打折暗语", "折扣", "今天谁在", "能打折吗", "dianyuan", "dzay"];
    let mut targets: Vec<String> = ["/", "/sources", "/trees", "/topics/money", "/opensearch.xml"]
        .into_iter()
        .chain(["/openapi.json", "/readyz", "/trees/refund?opened=no", "/trees/refund/graph"])
        .chain(["/trees/refund?all=1", "/faq/money/open", "/faq/money/freight", "/nosuch"])
        .chain(["/api/v1/entries/money/open", "/api/v1/trees/refund?opened=no"])
        .map(str::to_owned)
        .collect();
    for (route, parameters) in api_routes() {
        match parameters.contains(&"q") {
            true => targets.extend(asked.iter().map(|asked| format!("{route}?q={asked}"))),
            false if route.ends_with("{id}") => {}
            false => targets.push(route.to_owned()),
        }
    }
    targets.extend(asked.iter().map(|asked| format!("/search?q={asked}")));
    targets
}

/// No address gives away anything of an internal entry, nor that there is one; with everything, all of it shows.
#[test]
fn internal_entries_are_nowhere_for_the_public() {
    let all = Library::of(&secretive()).unwrap();
    assert_eq!(*all.index.overview.problems, []);
    let public = all.public().unwrap().unwrap();
    let inside = [format!("{:?}", public.index.overview), format!("{:?}", public.index.forest)];
    for secret in SECRETS {
        assert!(inside.iter().all(|json| !json.contains(secret)), "{secret} in {inside:?}");
    }
    let mut shown = String::new();
    for target in targets() {
        let (status, body) = get(&public, &target);
        assert!(status < 400 || target == "/nosuch", "{target}: {status} {body}");
        for secret in SECRETS {
            assert!(!body.contains(secret), "{target} tells {secret}: {body}");
        }
        shown.push_str(&get(&all, &target).1);
    }
    for secret in SECRETS.iter().filter(|secret| **secret != "secret.png") {
        assert!(shown.contains(secret), "nothing would have told {secret}");
    }
    for (secret, nothing) in [
        ("/faq/money/secret", "/faq/money/nosuch"),
        ("/faq/old/secret", "/faq/old/nosuch"),
        ("/api/v1/entries/money/secret", "/api/v1/entries/money/nosuch"),
        ("/api/v1/entries/old/secret", "/api/v1/entries/old/nosuch"),
        ("/topics/staff", "/topics/nosuch"),
        ("/trees/whisper", "/trees/nosuch"),
        ("/api/v1/trees/whisper", "/api/v1/trees/nosuch"),
        ("/trees/whisper/graph", "/trees/nosuch/graph"),
    ] {
        let name =
            |target: &str| target.rsplit('/').find(|part| *part != "graph").unwrap().to_owned();
        let plain = |target: &str| {
            let (status, body) = get(&public, target);
            let lines = body.lines().filter(|line| !line.starts_with('"'));
            (status, lines.collect::<Vec<_>>().join("\n").replace(&name(target), "…"))
        };
        assert_eq!(plain(secret), plain(nothing));
        assert_eq!(plain(secret).0, 404);
        assert!(get(&all, secret).0 < 400, "{secret}");
    }
    assert_eq!(get(&public, "/faq/money/open").0, 200);
    assert!(public.public().unwrap().is_none(), "nothing internal is left");
}

/// In any folder of markdown, too, and in doubt it is internal.
#[test]
fn any_markdown_can_be_internal() {
    for (front, internal) in [
        ("---\ninternal: true\n---\n", true),
        ("+++\ninternal = true\n+++\n", true),
        ("---\ninternal: yes\n---\n", true),
        ("---\ninternal: true\ntitle: [\n---\n", true),
        ("+++\ninternal = \"是\"\n+++\n", true),
        ("---\ninternal: false\n---\n", false),
        ("---\ntitle: 甲\n---\n", false),
        ("", false),
    ] {
        let text = format!("{front}# 甲\n\n## 一\n\n一。\n\n## 二\n\n二。\n");
        let content = content::load(&[File { path: "a.md".into(), bytes: Ok(text.into_bytes()) }]);
        assert_eq!(content.entries.len(), 2, "{front}");
        assert!(content.entries.iter().all(|entry| entry.internal == internal), "{front}");
    }
}

fn write_secretive(folder: &Path) {
    for file in secretive() {
        let path = folder.join(&file.path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, file.bytes.unwrap()).unwrap();
    }
}

/// Pictures belong to the entries that show them.
#[test]
fn pictures_of_internal_entries_are_internal() {
    let world = World::new();
    write_secretive(&world.path("content"));
    let place = Place { content: Some(world.path("content")), index: Some(world.path("index")) };
    let all = Library::open(&place, Proof::Full).unwrap();
    let public = all.public().unwrap().unwrap();
    for (library, picture, status) in [
        (&all, "secret.png", 200),
        (&all, "open.png", 200),
        (&public, "secret.png", 404),
        (&public, "open.png", 200),
    ] {
        assert_eq!(get(library, &format!("/media/faq/money/{picture}")).0, status, "{picture}");
    }
}

fn jieda(world: &World, args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_jieda"));
    command.args(args).arg("--content").arg(world.path("content"));
    command.arg("--index").arg(world.path("index")).output().unwrap()
}

#[test]
fn a_terminal_shows_all_and_a_site_of_files_nothing_internal() {
    let world = World::new();
    write_secretive(&world.path("content"));
    let shown = jieda(&world, &["show", "money/secret"]);
    assert!(String::from_utf8_lossy(&shown.stdout).contains("蓝鲸七号"));
    let site = world.path("site");
    let exported = jieda(&world, &["export", "--format", "site", "-o", site.to_str().unwrap()]);
    assert!(exported.status.success(), "{}", String::from_utf8_lossy(&exported.stderr));
    let mut files = 0;
    for (path, _) in content::list(&site).unwrap() {
        let text = String::from_utf8_lossy(&fs::read(&path).unwrap()).into_owned();
        for secret in SECRETS {
            let name = path.to_string_lossy().replace(&*site.to_string_lossy(), "");
            assert!(!text.contains(secret) && !name.contains(secret), "{name} tells {secret}");
        }
        files += 1;
    }
    assert!(files > 10, "only {files} files");
}

const TOKEN: &str = "correct-horse-battery-staple";

/// Whether the server shows an internal entry to a request with these headers.
fn shows(server: &Server, headers: &str) -> bool {
    let (status, head, body) = server.get("/api/v1/entries/money/secret", headers);
    assert!(status == 200 || status == 404, "{head}");
    assert_eq!(status == 200, body.contains("蓝鲸"));
    assert_eq!(status == 200, head.contains("Cache-Control: private, no-cache\r\n"), "{head}");
    status == 200
}

#[test]
fn a_token_opens_internal_entries() {
    let world = World::new();
    write_secretive(&world.path("content"));
    let file = world.path("tokens");
    fs::write(&file, format!("# 值班组\n\n{TOKEN}\n")).unwrap();
    let server = world.serve(&["--token-file", file.to_str().unwrap()]);
    let hint = server.event("tokens", 1);
    assert!(hint["message"].as_str().unwrap().contains("chmod 600"), "{hint}");
    assert!(!shows(&server, ""));
    for (headers, shown) in [
        (format!("Authorization: Bearer {TOKEN}\r\n"), true),
        (format!("Authorization: bearer  {TOKEN}\r\n"), true),
        (format!("Authorization: Basic {TOKEN}\r\n"), false),
        (format!("Authorization: Bearer {}\r\n", &TOKEN[1..]), false),
        (format!("Authorization: Bearer {TOKEN}x\r\n"), false),
        ("Authorization: Bearer # 值班组\r\n".to_owned(), false),
        ("Authorization: Bearer \r\n".to_owned(), false),
        ("Authorization: Bearer\r\n".to_owned(), false),
        (format!("X-User: {TOKEN}\r\n"), false),
    ] {
        assert_eq!(shows(&server, &headers), shown, "{headers}");
    }
    // Tokens are read again with the content; a file that is none changes nothing.
    let other = TOKEN.to_uppercase();
    fs::write(&file, "short\n").unwrap();
    server.signal("HUP");
    let event = server.event("tokens", 2);
    assert!(event["why"].as_str().unwrap().contains("第 1 行太短"), "{event}");
    assert!(shows(&server, &format!("Authorization: Bearer {TOKEN}\r\n")));
    fs::write(&file, format!("{other}\n")).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    server.signal("HUP");
    server.event("reload", 2);
    assert!(!shows(&server, &format!("Authorization: Bearer {TOKEN}\r\n")));
    assert!(shows(&server, &format!("Authorization: Bearer {other}\r\n")));
    assert!(!server.lines().iter().any(|line| line.contains(TOKEN) || line.contains(&other)));
}

#[test]
fn a_file_of_tokens_that_can_be_guessed_is_refused() {
    let world = World::new();
    write_secretive(&world.path("content"));
    fs::write(world.path("tokens"), "hunter2\n").unwrap();
    let file = world.path("tokens");
    let output = world.command(&["--token-file", file.to_str().unwrap()]).output().unwrap();
    let message = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(message.contains("第 1 行太短") && !message.contains("hunter2"), "{message}");
}

#[test]
fn only_a_trusted_proxy_may_name_the_user() {
    let world = World::new();
    write_secretive(&world.path("content"));
    let local = world.serve(&["--trust-proxy", "127.0.0.1", "--user-header", "X-User"]);
    assert!(shows(&local, "X-User: wang\r\n"));
    assert!(shows(&local, "x-user: wang\r\n"));
    for headers in ["", "X-User: \r\n", "X-Users: wang\r\n", "X-User: wang\r\nX-User: li\r\n"] {
        assert!(!shows(&local, headers), "{headers}");
    }
    let other: IpAddr = "192.0.2.1".parse().unwrap();
    let other = world.serve(&["--trust-proxy", &other.to_string(), "--user-header", "X-User"]);
    for headers in ["X-User: wang\r\n", "X-User: wang\r\nX-Forwarded-For: 192.0.2.1\r\n"] {
        assert!(!shows(&other, headers), "{headers}");
    }
}

// Files outside of the content

/// What a link inside the folder leads to outside is neither read nor given out.
#[test]
fn links_out_of_the_content_are_not_followed() {
    let world = World::new();
    world.write("a.md", "# 甲\n\n![图](b.png)\n\n![外](out.png)\n", 0);
    world.write("b.png", "PNG", 0);
    let outside = world.path("outside");
    fs::create_dir_all(&outside).unwrap();
    fs::write(outside.join("c.md"), "# 乙\n\n外面的秘密。\n").unwrap();
    fs::write(outside.join("c.png"), "外面的秘密").unwrap();
    let inside = |name: &str| world.path("content").join(name);
    symlink(outside.join("c.md"), inside("out.md")).unwrap();
    symlink(outside.join("c.png"), inside("out.png")).unwrap();
    symlink(&outside, inside("folder")).unwrap();
    symlink(inside("a.md"), inside("copy.md")).unwrap();
    symlink(inside("b.png"), inside("copy.png")).unwrap();
    let place = Place { content: Some(world.path("content")), index: Some(world.path("index")) };
    let library = Library::open(&place, Proof::Full).unwrap();
    let problems: Vec<String> =
        library.index.overview.problems.iter().map(ToString::to_string).collect();
    let why = "是指向内容文件夹外面的链接，没有读；请把文件放进来";
    for name in ["folder", "out.md", "out.png"] {
        assert!(problems.contains(&format!("{name}: {why}")), "{name} in {problems:?}");
    }
    let entries: Vec<String> = library.index.entries().map(|entry| entry.unwrap().id).collect();
    assert_eq!(entries, ["a", "copy"]);
    assert_eq!(get(&library, "/media/copy.png").0, 200);
    for target in [
        "/media/out.png",
        "/media/folder/c.png",
        "/media/../outside/c.png",
        "/media/%2e%2e/outside/c.png",
        "/media/..%2foutside%2fc.png",
        "/media/b.png%00.png",
        "/media//b.png/../../outside/c.png",
    ] {
        let (status, body) = get(&library, target);
        assert!(status >= 300 && !body.contains("秘密"), "{target}: {status}");
    }
}

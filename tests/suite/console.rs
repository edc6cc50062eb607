//! Commands as people type them: every `jieda …` of the READMEs and of `cases/console`.

use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    path::Path,
    process::{Command, Stdio},
};

/// The writers' guide goes from an empty folder to an answer: its files are written, its commands run.
#[test]
fn the_writers_guide_can_be_followed() {
    let guide =
        fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/writing.md")).unwrap();
    let (index, scratch) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let file = regex::Regex::new(r"(?ms)^```\w+ (\S+)\n(.*?)^```").unwrap();
    for found in file.captures_iter(&guide) {
        let path = scratch.path().join(&found[1]);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, &found[2]).unwrap();
    }
    let commands = commands(&guide);
    assert!(commands.len() > 1, "no commands in the guide");
    for (command, expected) in commands {
        let actual = run(&format!("cd \"$SCRATCH\" && {command}"), index.path(), scratch.path());
        snapbox::assert_data_eq!(actual, snapbox::Data::text(expected));
    }
}

/// The commands of a text with what they print: below each `$ jieda …` its output, and `? 2` for a status other
/// than 0. `[..]` stands for what may differ.
#[test]
fn commands_print_what_the_pages_say() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut pages = super::cases("console");
    pages.extend(["README.md", "README.zh-CN.md"].map(|name| root.join(name)));
    let index = tempfile::tempdir().unwrap();
    for page in pages {
        let text = fs::read_to_string(&page).unwrap();
        let commands = commands(&text);
        assert!(!commands.is_empty(), "no commands in {}", page.display());
        let scratch = tempfile::tempdir().unwrap();
        for (command, expected) in commands {
            let actual = match command.ends_with("serve") {
                true => serve(index.path()),
                false => run(&command, index.path(), scratch.path()),
            };
            let expected =
                snapbox::Data::text(format!("{}: $ {command}\n{expected}", page.display()));
            snapbox::assert_data_eq!(
                format!("{}: $ {command}\n{actual}", page.display()),
                expected
            );
        }
    }
}

/// Commands and expected output of the `console` blocks of markdown, or of a whole `.console` file.
fn commands(text: &str) -> Vec<(String, String)> {
    let mut commands: Vec<(String, String)> = Vec::new();
    let mut inside = !text.contains("```");
    for line in text.lines() {
        match line.strip_prefix("$ ") {
            _ if line.starts_with("```") => inside = line.starts_with("```console"),
            _ if !inside || line.starts_with('#') => {}
            Some(command) => commands.push((command.to_owned(), String::new())),
            None => commands.last_mut().unwrap().1.push_str(&format!("{line}\n")),
        }
    }
    commands.retain(|(command, _)| command.contains("jieda") || command.contains("cargo run"));
    commands.iter_mut().for_each(|(_, output)| output.truncate(output.trim_end().len()));
    commands
}

fn jieda(command: &mut Command, index: &Path) {
    let program = Path::new(env!("CARGO_BIN_EXE_jieda"));
    let path =
        format!("{}:{}", program.parent().unwrap().display(), std::env::var("PATH").unwrap());
    command
        .env("PATH", path)
        .env("JIEDA_INDEX", index)
        .env("JIEDA_TODAY", "2026-11-22")
        .env_remove("JIEDA_CONTENT");
    command.current_dir(env!("CARGO_MANIFEST_DIR"));
}

/// What the command prints on both streams, errors last, and its status if it is not 0.
fn run(command: &str, index: &Path, scratch: &Path) -> String {
    let mut shell = Command::new("sh");
    jieda(shell.arg("-c").arg(command).env("SCRATCH", scratch), index);
    let output = shell.output().unwrap();
    let mut text = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
    if output.status.code() != Some(0) {
        text.push_str(&format!("? {}", output.status.code().unwrap()));
    }
    text.trim_end().to_owned()
}

/// Starts the server on a free port, asks it for a page, stops it, and returns its first line.
fn serve(index: &Path) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_jieda"));
    jieda(command.args(["serve", "--addr", "127.0.0.1:0"]), index);
    let mut server = command.stdout(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(server.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
    let address = line.split("http://").nth(1).unwrap().split('/').next().unwrap();
    let mut client = TcpStream::connect(address).unwrap();
    client
        .write_all("GET /search?q=接口异常 HTTP/1.0\r\nHost: localhost\r\n\r\n".as_bytes())
        .unwrap();
    let mut page = String::new();
    client.read_to_string(&mut page).unwrap();
    server.kill().unwrap();
    server.wait().unwrap();
    assert!(page.starts_with("HTTP/1.1 200") && page.contains("备案服务号无效"), "{page}");
    line.trim_end().to_owned()
}

#[test]
fn a_port_in_use_is_named() {
    let index = tempfile::tempdir().unwrap();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_jieda"));
    jieda(
        command.args(["serve", "--addr", &taken.local_addr().unwrap().to_string()]),
        index.path(),
    );
    let output = command.output().unwrap();
    let message = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(message.contains("端口可能被占用，请用 `--addr` 换一个"), "{message}");
    assert_eq!(message.lines().count(), 1, "{message}");
}

/// At a terminal `tree run` asks: a number and Enter or the arrow keys choose, one can go back, and the end is shown.
#[test]
fn a_tree_is_walked_with_the_keys() {
    let index = tempfile::tempdir().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_jieda"));
    command.args(["tree", "run", "cancel-or-deregister", "--color", "never"]);
    command.env("JIEDA_INDEX", index.path()).env("JIEDA_TODAY", "2026-11-22");
    command.env("TERM", "xterm");
    let mut terminal = rexpect::session::spawn_command(command, Some(60_000)).unwrap();
    // It reads bytes as characters.
    let bytes = |text: &str| text.bytes().map(char::from).collect::<String>();
    let mut choose = |question: &str, keys: &str| {
        terminal.exp_string(&bytes(question)).unwrap();
        terminal.send(keys).unwrap();
        terminal.send("\r").unwrap();
        terminal.flush().unwrap();
    };
    choose("想对这个备案做什么？", "4");
    choose("看得到这个备案吗？", "上一个");
    choose("想对这个备案做什么？", "6");
    // One down from the first.
    choose("提交的是哪一种申请？", "\x1b[B");
    terminal.exp_string(&bytes("结论  注销备案不能撤回")).unwrap();
    terminal.exp_eof().unwrap();
}

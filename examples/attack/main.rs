//! Attacks a running server, and tells how long an honest client has to wait meanwhile and afterwards.
//!
//! ```sh
//! cargo run --release --example attack -- 127.0.0.1:8080 --pid "$(pidof jieda)"
//! ```
//!
//! Takes addresses of this machine only, about a minute, and up to 3,000 descriptors. With `--pid` it also tells how
//! many threads, descriptors and bytes the server used at most (Linux). Exit status: 0 all held, 1 something did not,
//! 2 it could not be tried.

#![forbid(unsafe_code)]
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "printing is what it is for")]

mod attacks;

use attacks::{FULL, Peak, Wait};
use std::{env, net::SocketAddr, process::ExitCode};

const USAGE: &str = "用法：attack 127.0.0.1:端口 [--pid 进程号]";

fn main() -> ExitCode {
    let args: Vec<String> = env::args().skip(1).collect();
    match read(&args) {
        Ok((address, pid)) => run(address, pid),
        Err(why) => {
            eprintln!("attack: {why}\n{USAGE}");
            ExitCode::from(2)
        }
    }
}

/// The server, and perhaps its process.
fn read(args: &[String]) -> Result<(SocketAddr, Option<u32>), String> {
    let (address, pid) = match args {
        [address] => (address, None),
        [address, flag, pid] if flag == "--pid" => (address, Some(pid)),
        _ => return Err("要写明地址".to_owned()),
    };
    let address: SocketAddr = address.parse().map_err(|_| format!("`{address}` 不是地址和端口"))?;
    if !address.ip().is_loopback() {
        return Err(format!("`{}` 不是本机；只能攻击本机上的服务", address.ip()));
    }
    let pid = pid.map(|pid| pid.parse().map_err(|_| format!("`{pid}` 不是进程号")));
    Ok((address, pid.transpose()?))
}

fn run(address: SocketAddr, pid: Option<u32>) -> ExitCode {
    attacks::raise_descriptors();
    if let Err(why) = attacks::ask(address, FULL.patience) {
        eprintln!("attack: {address} 没有回答（{why}）；请先启动 `jieda serve`");
        return ExitCode::from(2);
    }
    println!("攻击时最久  攻击后  攻击");
    let mut held = true;
    let peak = Peak::during(pid, || {
        attacks::all(address, &FULL, |done| {
            let fault = done.fault.map_or(String::new(), |fault| format!("；没有守住：{fault}"));
            held &= fault.is_empty();
            println!(
                "{}  {}  {}{fault}",
                column(done.meanwhile, 10),
                column(done.after, 6),
                done.name
            );
        });
    });
    if let Some(Peak { threads, descriptors, kib }) = peak {
        let mib = kib / 1024;
        println!("服务器最多用了 {threads} 个线程、{descriptors} 个描述符、{mib} MiB 内存");
    }
    ExitCode::from(u8::from(!held))
}

/// A wait in milliseconds.
fn column(wait: Wait, width: usize) -> String {
    let text =
        wait.map_or("—".to_owned(), |wait| format!("{:.1} ms", wait.as_secs_f64() * 1000.0));
    format!("{text:>width$}")
}

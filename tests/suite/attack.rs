//! The attacks of `examples/attack` on a server with few descriptors.

#[path = "../../examples/attack/attacks.rs"]
pub(super) mod attacks;

use super::{
    enduring,
    running::{Server, World},
};
use attacks::{FULL, Peak, Scale};
use std::{
    thread,
    time::{Duration, Instant},
};

/// An answer has to come; when, is measured where nothing else runs.
const PATIENCE: Duration = Duration::from_secs(60);

const SMALL: Scale = Scale {
    idle: 200,
    slow: 50,
    endless: 20,
    bursts: 3,
    hold: Duration::from_secs(1),
    meanwhile: PATIENCE,
    after: PATIENCE,
    recovery: PATIENCE,
    patience: PATIENCE,
    ..FULL
};

#[test]
fn a_server_withstands_attacks() {
    attacks::raise_descriptors();
    if enduring().is_some() {
        withstand(1024, &FULL);
        // Nobody can be let in within a second where there is nothing left.
        withstand(100, &Scale { meanwhile: PATIENCE, ..FULL });
    } else {
        withstand(100, &SMALL);
    }
}

/// Attacks a server that may have so many descriptors.
fn withstand(descriptors: usize, scale: &Scale) {
    let world = World::new();
    world.number(3);
    let server = Server::start(&mut world.limited(&format!("ulimit -n {descriptors}"), &[]));
    let address = server.address.parse().unwrap();
    let before = Peak::of(server.pid()).unwrap();
    let mut faults = Vec::new();
    let peak = Peak::during(Some(server.pid()), || {
        attacks::all(address, scale, |done| {
            println!("{:?} {:?} {}", done.meanwhile, done.after, done.name);
            faults.extend(done.fault.map(|fault| format!("{}: {fault}", done.name)));
        });
    });
    let peak = peak.unwrap();
    println!("{descriptors} descriptors: {before:?}, at most {peak:?}");
    assert!(faults.is_empty(), "{faults:#?}");
    // 256 slots, 32 to spare, and a handful of threads that are always there.
    assert!(peak.threads < 300 && peak.descriptors <= descriptors + 1, "{peak:?}");
    assert!(peak.kib < before.kib + (64 << 10), "{before:?} became {peak:?}");
    let start = Instant::now();
    while Peak::of(server.pid()).unwrap().descriptors > before.descriptors {
        assert!(start.elapsed() < PATIENCE, "descriptors are not given back");
        thread::sleep(Duration::from_millis(20));
    }
}

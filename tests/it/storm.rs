//! Two hundred storms, in two halves so that two cores share them. More: `kubedrill storm --seeds N`.

use kubedrill::storm::{plan, run};

fn storms(seeds: std::ops::Range<u64>) {
    let broken: Vec<String> = seeds
        .filter_map(|seed| {
            let plan = plan(seed);
            let b = run(&plan).err()?;
            Some(format!("seed {seed}: after {} s: {}\n{}", b.after.as_secs(), b.what, plan.session()))
        })
        .collect();
    assert!(broken.is_empty(), "{} broken:\n{}", broken.len(), broken.join("\n"));
}

#[test]
fn a_hundred_storms_leave_a_whole_cluster() {
    storms(1..101);
}

#[test]
fn another_hundred_do_too() {
    storms(101..201);
}

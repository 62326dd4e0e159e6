//! The integration tests, one binary.

mod ablation;
mod access;
mod bundle;
mod bundle_lab;
mod cli;
mod custom;
mod determinism;
mod drills;
mod etcd_keys;
mod fold;
mod golden;
mod hashes;
mod lessons;
mod masters;
mod real_kubectl;
mod real_words;
mod saved;
mod sessions;
mod shell;
mod storm;
mod tools;
mod vagrant;
mod validation;
mod wall;

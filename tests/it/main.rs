//! One integration binary; a module for each subject.

mod broken;
mod captures;
mod cli;
mod counters;
mod determinism;
mod kernel;
mod knobs;
mod lessons;
mod lints;
mod neighbours;
mod pcap;
mod scenarios;
mod score;
mod study;
mod support;
mod tcpdump;
mod tidy;
mod tunnels;
mod why;

//! One integration binary; a module for each subject.

mod broken;
mod captures;
mod cli;
mod compare;
mod counters;
mod determinism;
mod grade;
mod kernel;
mod knobs;
mod lab;
mod lessons;
mod lints;
mod long_traces;
mod modes;
mod neighbours;
mod packet_rate;
mod pcap;
mod scenarios;
mod score;
mod study;
mod support;
mod sweep;
mod tcpdump;
mod tidy;
mod tunnels;
mod why;

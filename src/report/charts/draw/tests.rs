//! Pictures of figures of every kind.

use super::super::{Bar, Group, Ink};
use super::*;
use crate::report::testing;

#[test]
fn pictures_are_well_formed_described_and_the_same_every_time() {
    let records = testing::records();
    let mut log = testing::log(&records);
    log.title = "LVS 直接路由 <&\" \u{1}".into();
    log.connections[0].server = Some("<script>".into());
    let all = charts(&log, false).expect("drawn");
    assert_eq!(all, charts(&log, false).expect("drawn"));
    for artifact in all {
        let text = String::from_utf8(artifact.bytes).expect("text");
        assert!(text.starts_with("<svg xmlns=") && text.trim_end().ends_with("</svg>"));
        assert!(text.contains("role=\"img\"") && text.contains("<title>LVS 直接路由 &lt;&amp;"));
        assert!(!text.contains("<script>") && !text.contains('\u{1}'));
        assert!(!text.contains("font-family=\"DejaVu Sans\""));
    }
}

#[test]
fn an_empty_run_says_so() {
    let mut log = testing::log(&[]);
    log.connections.clear();
    log.marks.clear();
    for artifact in charts(&log, false).expect("drawn") {
        assert!(String::from_utf8_lossy(&artifact.bytes).contains("No connections."));
    }
}

#[test]
fn long_names_are_cut_and_many_servers_make_the_picture_taller() {
    let bar = |i: u64| Bar {
        label: format!("real-server-{i}-with-a-name-that-nobody-can-read-at-a-glance"),
        value: i,
        target: None,
        ink: Ink::Server(0),
    };
    let figure = |n: u64| Figure {
        name: "served",
        scenario: "many".into(),
        title: "Many ".repeat(1000),
        subtitle: String::new(),
        caption: Vec::new(),
        plot: Plot::Bars(vec![Group { label: "web".into(), bars: (0..n).map(bar).collect() }]),
    };
    let text = svg(&figure(20)).expect("drawn");
    assert!(text.contains("real-server-7-with-a-name-that-no") && text.contains('…'));
    assert!(text.contains("height=\"664\"") && svg(&figure(2)).expect("drawn").contains("height=\"196\""));
}

/// One figure of each kind, with so many variants and servers.
fn kinds(variants: usize, servers: usize) -> Vec<Figure> {
    use super::super::plot::lines::Stroke;
    use super::super::plot::*;
    let name = |n: usize| format!("scheduler-{n}");
    let server = |n: usize| if servers > 6 { format!("real-server-in-rack-{n}") } else { format!("rs-{}", n + 1) };
    let wave = |n: usize, x: usize| 3.0 + (n as f64 * 0.7) + ((x as f64 / 7.0) + n as f64).sin();
    let series = |n: usize| Series {
        name: name(n),
        stroke: Stroke::Style(n),
        step: n % 2 == 1,
        points: (0..100)
            .map(|x| Point {
                x: x as f64 * 1e8,
                y: Estimate { mean: wave(n, x), ends: Some((wave(n, x) - 0.4, wave(n, x) + 0.4)) },
            })
            .collect(),
    };
    let time = || Axis::new("time from t = 0", Scale::Linear, Unit::Time);
    let lines = Plot::Lines(Lines {
        x: time(),
        by: "measure",
        of: "scheduler",
        panels: vec![LinePanel {
            title: String::new(),
            y: Axis::new("connections", Scale::Linear, Unit::Number),
            series: (0..variants).map(series).collect(),
        }],
        across: 1,
        same_y: true,
        faint: "",
        marks: vec![(4e9, "leaves: rs-3".into())],
    });
    let tails = Plot::Lines(Lines {
        x: Axis::new("completion time", Scale::Log, Unit::Time),
        by: "measure",
        of: "scheduler",
        panels: vec![LinePanel {
            title: String::new(),
            y: Axis::new("part of the connections that take longer", Scale::Log, Unit::Part),
            series: (0..variants)
                .map(|n| Series {
                    points: (0..40)
                        .map(|x| Point {
                            x: 1e6 * 1.3f64.powi(x),
                            y: Estimate::bare(1.0 / (1.0 + 0.02 * (n + 1) as f64 * 1.3f64.powi(x))),
                        })
                        .collect(),
                    ..series(n)
                })
                .collect(),
        }],
        across: 1,
        same_y: true,
        faint: "a server",
        marks: vec![],
    });
    let panels = Plot::Lines(Lines {
        x: time(),
        by: "scheduler",
        of: "server",
        panels: (0..variants)
            .map(|v| LinePanel {
                title: name(v),
                y: Axis::new("active", Scale::Linear, Unit::Number),
                series: (0..servers)
                    .map(|n| Series {
                        stroke: if servers > 7 { Stroke::Faint } else { Stroke::Style(n) },
                        name: server(n),
                        ..series(n)
                    })
                    .collect(),
            })
            .collect(),
        across: if variants > 2 { 3 } else { 2 },
        same_y: true,
        faint: "a server",
        marks: vec![],
    });
    let column = |n: usize| {
        let mean = 0.1 + 0.3 / (n + 1) as f64;
        Column { value: Estimate { mean, ends: Some((mean - 0.03, mean + 0.03)) }, target: Some(0.25) }
    };
    let share = Plot::Grouped(Grouped {
        y: Axis::new("share of connections", Scale::Linear, Unit::Part),
        words: ["scheduler", "server", "what"],
        target: "share of weight",
        legend: vec![],
        panels: (0..variants)
            .map(|v| GroupedPanel {
                title: name(v),
                groups: (0..servers).map(|n| ColumnGroup { label: server(n), columns: vec![column(n)] }).collect(),
            })
            .collect(),
    });
    let moved = Plot::Grouped(Grouped {
        y: Axis::new("clients", Scale::Linear, Unit::Part),
        words: ["", "scheduler", "what"],
        target: "share of weight",
        legend: vec!["had to move".into(), "moved without need".into()],
        panels: vec![GroupedPanel {
            title: String::new(),
            groups: (0..variants)
                .map(|v| ColumnGroup { label: name(v), columns: vec![column(v), column(v + 1)] })
                .collect(),
        }],
    });
    let heat = Plot::Heat(Heat {
        from: 0.0,
        width: 1e8,
        most: 1.0,
        unit: Unit::Part,
        label: "busy".into(),
        by: "scheduler",
        panels: (0..variants)
            .map(|v| HeatPanel {
                title: name(v),
                rows: (0..servers)
                    .map(|n| {
                        (
                            server(n),
                            (0..60).map(|x| (x != 7).then(|| (wave(n + v, x) - 2.0 - n as f64 * 0.7) / 2.0)).collect(),
                        )
                    })
                    .collect(),
            })
            .collect(),
        marks: vec![(2e9, "rs-1 leaves".into())],
    });
    let table = |size: usize, gone: usize| SlotPanel {
        title: format!("mh{size}"),
        before: (0..size).map(|n| Some(n * 7 % servers)).collect(),
        after: (0..size)
            .map(|n| Some(n * 7 % servers).map(|s| if s == gone || n % 41 == 3 { (s + 1) % servers } else { s }))
            .collect(),
    };
    let slots = Plot::Slots(Slots {
        servers: (0..servers).map(server).collect(),
        by: "scheduler",
        panels: vec![table(256, 1), table(4093, 1)],
    });
    let difference = |n: usize| {
        let mean = (n as f64 - 3.0) * 1e6;
        ForestRow {
            label: format!("{} − {}", name(n), name(n + 1)),
            value: Estimate { mean, ends: Some((mean - 2e6, mean + 2e6)) },
            real: mean.abs() > 2e6,
        }
    };
    let rows = |n: usize| (0..n).map(difference).collect();
    let forest = Plot::Forest(Forest {
        panels: ["mean completion time", "99th percentile"]
            .map(|t| ForestPanel { title: t.into(), unit: Unit::Time, rows: rows(variants * (variants - 1) / 2) })
            .to_vec(),
    });
    let all = [lines, tails, panels, share, moved, heat, slots, forest];
    let names = ["lines", "tails", "panels", "share", "moved", "heat", "slots", "forest"];
    let figure = |(plot, name): (Plot, &'static str)| {
        Figure {
        name,
        scenario: "lab".into(),
        title: "LVS 直接路由：四台真实服务器, \"four servers\" <&>".into(),
        subtitle: "What is drawn, in milliseconds".into(),
        caption: vec![
            "heavy-tail: 19386 to 19468 connections a run, seeds 1 to 20, ± is the 95 % interval of the mean over them, the first 2s cut"
                .into(),
        ],
        plot,
    }
    };
    all.into_iter().zip(names).map(figure).collect()
}

#[test]
fn every_kind_is_drawn_in_both_formats_the_same_every_time() {
    for figure in kinds(2, 3) {
        let drawn = svg(&figure).expect("drawn");
        assert_eq!(drawn, svg(&figure).expect("drawn"), "{}", figure.name);
        // Chinese letters are shapes that every reader sees.
        assert!(drawn.matches("<path fill=").count() >= 1, "{}", figure.name);
        assert!(drawn.contains("the first 2s cut"), "{}", figure.name);
        assert!(!drawn.contains("nothing to show"), "{}", figure.name);
        assert!(!drawn.contains("NaN") && !drawn.contains("inf"), "{}", figure.name);
        let csv = figure.grid().print(crate::report::tables::Format::Csv);
        assert!(csv.lines().count() > 2, "{csv}");
    }
}

#[test]
fn a_png_is_twice_the_size_says_its_density_and_repeats() {
    let figure = kinds(2, 2).remove(4);
    let bytes = png(&figure).expect("drawn");
    assert!(bytes == png(&figure).expect("drawn"), "two pictures of one figure differ");
    let reader = ::png::Decoder::new(std::io::Cursor::new(&bytes)).read_info().expect("a PNG");
    let info = reader.info();
    assert_eq!(info.width, 1760);
    assert_eq!(info.pixel_dims.map(|d| (d.xppu, d.unit)), Some((7_559, ::png::Unit::Meter)));
}

#[test]
fn empty_figures_say_so() {
    for mut figure in kinds(2, 2) {
        match &mut figure.plot {
            Plot::Lines(l) => l.panels.clear(),
            Plot::Grouped(g) => g.panels.clear(),
            Plot::Heat(h) => h.panels.clear(),
            Plot::Slots(s) => s.panels.clear(),
            Plot::Forest(f) => f.panels.clear(),
            Plot::Bars(_) | Plot::Columns(_) => {}
        }
        assert!(svg(&figure).expect("drawn").contains("nothing to show"), "{}", figure.name);
    }
}

//! Props found outside the house.

use crate::characters::star;
use crate::sketch::{Ink, Sketch};

pub(super) fn anchor(s: &mut Sketch) {
    s.weighing(2.4, |s| s.arc((0.0, -92.0), (10.0, 10.0), 0.0, 1.0));
    s.limb(&[(0.0, -82.0), (0.0, -44.0), (0.0, -4.0)], 11.0, 13.0, Ink::Black);
    s.limb(&[(-30.0, -70.0), (0.0, -72.0), (30.0, -70.0)], 9.0, 9.0, Ink::Black);
    s.limb(
        &[(-44.0, -34.0), (-30.0, -12.0), (0.0, -3.0), (30.0, -12.0), (44.0, -34.0)],
        12.0,
        12.0,
        Ink::Black,
    );
    for side in [-1.0, 1.0] {
        s.poly(&[(side * 58.0, -30.0), (side * 48.0, -52.0), (side * 28.0, -36.0)], Ink::Black);
    }
    s.curve(&[(8.0, -98.0), (26.0, -96.0), (34.0, -104.0), (50.0, -98.0)]);
}

pub(super) fn balloon(s: &mut Sketch) {
    s.weighing(0.9, |s| s.curve(&[(0.0, -38.0), (6.0, -26.0), (-6.0, -14.0), (2.0, 0.0)]));
    s.poly(&[(0.0, -42.0), (-6.0, -34.0), (6.0, -34.0)], Ink::Dark);
    s.blob(
        &[
            (0.0, -41.0),
            (-24.0, -56.0),
            (-31.0, -80.0),
            (-16.0, -102.0),
            (0.0, -106.0),
            (16.0, -102.0),
            (31.0, -80.0),
            (24.0, -56.0),
        ],
        Ink::Dark,
    );
    s.oval((-13.0, -86.0), (6.0, 10.0), Ink::White);
}

pub(super) fn umbrella(s: &mut Sketch) {
    s.weighing(2.0, |s| {
        s.curve(&[(0.0, -96.0), (0.0, -50.0), (0.0, -10.0), (7.0, -1.0), (16.0, -4.0), (17.0, -12.0)]);
    });
    s.poly(&dome(-56.0, 56.0), Ink::White);
    s.poly(&dome(-56.0, -24.0), Ink::Black);
    s.poly(&dome(24.0, 56.0), Ink::Black);
    s.poly(&dome(-9.0, 9.0), Ink::Black);
    s.line(&[(0.0, -96.0), (0.0, -106.0)]);
}

/// Returns the panel between two points of the rim, which narrows towards the top.
fn dome(left: f32, right: f32) -> Vec<(f32, f32)> {
    let rib = |rim: f32| {
        (0..=8u8).map(move |step| {
            let (cosine, sine) = crate::curve::turn(f32::from(step) / 32.0);
            (rim * cosine, -50.0 - 46.0 * sine)
        })
    };
    let mut points = rib(left).collect::<Vec<_>>();
    points.extend(rib(right).collect::<Vec<_>>().into_iter().rev());
    points.push(((left + right) / 2.0, -58.0));
    points
}

pub(super) fn ladder(s: &mut Sketch) {
    s.weighing(1.6, |s| {
        s.line(&[(10.0, -98.0), (44.0, 0.0)]);
        s.line(&[(-6.0, -98.0), (22.0, 0.0)]);
    });
    for step in 0..5u8 {
        let t = 0.12 + f32::from(step) * 0.19;
        let (x, y) = (-4.0 - 38.0 * t, -98.0 + 98.0 * t);
        s.weighing(2.6, |s| s.line(&[(x, y), (x + 26.0 + 6.0 * t, y)]));
    }
    s.weighing(2.6, |s| {
        s.line(&[(-6.0, -99.0), (-44.0, 0.0)]);
        s.line(&[(18.0, -99.0), (-8.0, 0.0)]);
    });
    s.rect((-14.0, -104.0), (24.0, -97.0), Ink::Black);
}

pub(super) fn trophy(s: &mut Sketch) {
    s.rect((-30.0, -20.0), (30.0, 0.0), Ink::Black);
    s.rect((-15.0, -14.0), (15.0, -6.0), Ink::White);
    s.poly(&[(-6.0, -42.0), (6.0, -42.0), (14.0, -20.0), (-14.0, -20.0)], Ink::Grey);
    for side in [-1.0, 1.0] {
        s.weighing(2.6, |s| {
            s.curve(&[
                (side * 32.0, -90.0),
                (side * 54.0, -88.0),
                (side * 48.0, -64.0),
                (side * 22.0, -54.0),
            ]);
        });
    }
    s.blob(
        &[
            (-36.0, -100.0),
            (-34.0, -70.0),
            (-18.0, -46.0),
            (0.0, -40.0),
            (18.0, -46.0),
            (34.0, -70.0),
            (36.0, -100.0),
            (0.0, -98.0),
        ],
        Ink::Grey,
    );
    s.oval((0.0, -100.0), (36.0, 6.0), Ink::White);
    star(s, (0.0, -72.0), 18.0, Ink::White);
}

pub(super) fn chainsaw(s: &mut Sketch) {
    s.poly(&toothed_bar(), Ink::Grey);
    s.weighing(1.6, |s| s.line(&[(4.0, -30.0), (62.0, -30.0)]));
    s.weighing(3.0, |s| {
        s.curve(&[(-30.0, -58.0), (-26.0, -88.0), (-8.0, -90.0), (-4.0, -56.0)]);
        s.curve(&[(-62.0, -50.0), (-78.0, -48.0), (-78.0, -12.0), (-60.0, -8.0)]);
    });
    s.blob(&[(-64.0, -4.0), (-66.0, -52.0), (-44.0, -62.0), (-8.0, -58.0), (-4.0, -4.0)], Ink::Black);
    s.oval((-36.0, -30.0), (14.0, 14.0), Ink::White);
    s.oval((-36.0, -30.0), (5.0, 5.0), Ink::Black);
}

/// Returns the outline of the blade: a long bar with a rounded nose and teeth above and below.
fn toothed_bar() -> Vec<(f32, f32)> {
    let upper = (0..6u8).flat_map(|tooth| {
        let x = -10.0 + f32::from(tooth) * 13.0;
        [(x, -46.0), (x + 8.0, -60.0)]
    });
    let lower = (0..6u8).flat_map(|tooth| {
        let x = 66.0 - f32::from(tooth) * 13.0;
        [(x, -14.0), (x - 8.0, 0.0)]
    });
    upper.chain([(70.0, -46.0), (80.0, -36.0), (80.0, -24.0)]).chain(lower).collect()
}

pub(super) fn briefcase(s: &mut Sketch) {
    s.weighing(3.2, |s| s.curve(&[(-18.0, -66.0), (-16.0, -84.0), (16.0, -84.0), (18.0, -66.0)]));
    s.rect((-58.0, -68.0), (58.0, 0.0), Ink::Dark);
    s.rect((-58.0, -68.0), (58.0, -42.0), Ink::Black);
    for x in [-32.0, 32.0] {
        s.rect((x - 7.0, -50.0), (x + 7.0, -34.0), Ink::White);
        s.dot((x, -40.0), 2.0);
    }
    s.rect((-8.0, -47.0), (8.0, -38.0), Ink::White);
    s.weighing(0.7, |s| s.white_line(&[(-50.0, -8.0), (50.0, -8.0)]));
}

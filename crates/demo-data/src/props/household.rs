//! Props found in the house.

use crate::curve::turn;
use crate::sketch::{Ink, Sketch};

pub(super) fn clock(s: &mut Sketch) {
    for side in [-1.0, 1.0] {
        s.weighing(2.0, |s| s.line(&[(side * 24.0, -14.0), (side * 34.0, 0.0)]));
        s.blob(
            &[(side * 42.0, -76.0), (side * 34.0, -96.0), (side * 14.0, -98.0), (side * 12.0, -90.0)],
            Ink::Black,
        );
    }
    s.line(&[(0.0, -88.0), (0.0, -104.0)]);
    s.oval((0.0, -46.0), (46.0, 44.0), Ink::Black);
    s.oval((0.0, -46.0), (37.0, 35.0), Ink::White);
    for hour in 0..12u8 {
        let (x, y) = turn(f32::from(hour) / 12.0);
        s.weighing(1.2, |s| s.line(&[(x * 28.0, -46.0 + y * 27.0), (x * 33.0, -46.0 + y * 31.0)]));
    }
    s.weighing(2.4, |s| {
        s.line(&[(0.0, -46.0), (0.0, -68.0)]);
        s.line(&[(0.0, -46.0), (16.0, -38.0)]);
    });
    s.dot((0.0, -46.0), 4.0);
}

pub(super) fn telephone(s: &mut Sketch) {
    s.blob(
        &[(-46.0, 0.0), (-42.0, -22.0), (-22.0, -56.0), (22.0, -56.0), (42.0, -22.0), (46.0, 0.0)],
        Ink::Black,
    );
    s.oval((0.0, -26.0), (22.0, 20.0), Ink::White);
    for hole in 0..8u8 {
        let (x, y) = turn(f32::from(hole) / 8.0);
        s.dot((x * 15.0, -26.0 + y * 13.5), 2.6);
    }
    s.oval((0.0, -26.0), (6.0, 5.5), Ink::Grey);
    s.rect((-20.0, -68.0), (-12.0, -54.0), Ink::Black);
    s.rect((12.0, -68.0), (20.0, -54.0), Ink::Black);
    s.limb(&[(-44.0, -68.0), (-24.0, -84.0), (24.0, -84.0), (44.0, -68.0)], 16.0, 16.0, Ink::Black);
    s.oval((-46.0, -66.0), (16.0, 11.0), Ink::Black);
    s.oval((46.0, -66.0), (16.0, 11.0), Ink::Black);
    s.curve(&[(44.0, -4.0), (60.0, -14.0), (52.0, -28.0), (64.0, -38.0), (54.0, -54.0)]);
}

pub(super) fn cake(s: &mut Sketch) {
    s.oval((0.0, -4.0), (56.0, 6.0), Ink::White);
    for (half, low, high) in [(46.0, -4.0, -32.0), (33.0, -32.0, -56.0), (20.0, -56.0, -76.0)] {
        s.rect((-half, low), (half, high), Ink::White);
        let drips = (0..=12u8).map(|step| {
            let x = -half + 2.0 * half * f32::from(step) / 12.0;
            (x, if step % 2 == 0 { high + 5.0 } else { high + 13.0 })
        });
        let mut icing = drips.collect::<Vec<_>>();
        icing.extend([(half, high), (-half, high)]);
        s.poly(&icing, Ink::Dark);
    }
    for x in [-13.0, 0.0, 13.0] {
        s.rect((x - 2.5, -92.0), (x + 2.5, -76.0), Ink::White);
        s.blob(&[(x, -93.0), (x - 4.5, -99.0), (x, -108.0), (x + 4.5, -99.0)], Ink::Black);
    }
}

pub(super) fn lamp(s: &mut Sketch) {
    s.weighing(2.4, |s| s.line(&[(0.0, -4.0), (0.0, -66.0)]));
    s.oval((0.0, -3.0), (24.0, 5.0), Ink::Black);
    s.poly(&[(-18.0, -100.0), (18.0, -100.0), (38.0, -62.0), (-38.0, -62.0)], Ink::Hatch);
    s.weighing(2.0, |s| s.line(&[(-38.0, -62.0), (38.0, -62.0)]));
    s.line(&[(20.0, -62.0), (20.0, -46.0)]);
    s.dot((20.0, -44.0), 2.5);
    for (from, to) in [
        ((-46.0, -56.0), (-58.0, -46.0)),
        ((46.0, -56.0), (58.0, -46.0)),
        ((-30.0, -54.0), (-37.0, -40.0)),
        ((34.0, -54.0), (41.0, -40.0)),
    ] {
        s.line(&[from, to]);
    }
}

pub(super) fn piano(s: &mut Sketch) {
    for x in [-48.0, -6.0, 46.0] {
        s.limb(&[(x, -32.0), (x, -16.0), (x, 0.0)], 9.0, 5.0, Ink::Black);
    }
    s.line(&[(30.0, -44.0), (38.0, -84.0)]);
    s.blob(
        &[
            (-44.0, -56.0),
            (-34.0, -92.0),
            (0.0, -106.0),
            (40.0, -104.0),
            (62.0, -84.0),
            (46.0, -82.0),
            (10.0, -66.0),
        ],
        Ink::Black,
    );
    s.poly(&[(-56.0, -52.0), (58.0, -52.0), (58.0, -30.0), (-56.0, -30.0)], Ink::Black);
    s.rect((-62.0, -46.0), (-14.0, -36.0), Ink::White);
    for x in [-56.0, -49.0, -42.0, -35.0, -28.0, -21.0] {
        s.weighing(1.6, |s| s.line(&[(x, -45.0), (x, -40.0)]));
    }
    s.white_line(&[(-10.0, -47.0), (54.0, -47.0)]);
    s.white_curve(&[(-30.0, -70.0), (-22.0, -86.0), (0.0, -97.0), (30.0, -97.0)]);
}

//! Rooms at home and away.

use crate::sketch::{Ink, Sketch};

pub(super) fn living_room(s: &mut Sketch) {
    for stripe in 0..14u8 {
        let x = 4.0 + f32::from(stripe) * 10.0;
        s.weighing(0.5, |s| s.line(&[(x, 0.0), (x, 76.0)]));
    }
    s.line(&[(0.0, 77.0), (133.0, 77.0)]);
    s.rect((92.0, 10.0), (124.0, 36.0), Ink::White);
    s.rect((95.0, 13.0), (121.0, 33.0), Ink::Pale);
    s.poly(&[(96.0, 32.0), (105.0, 19.0), (110.0, 26.0), (114.0, 22.0), (120.0, 32.0)], Ink::Dark);
    s.oval((66.0, 93.0), (62.0, 7.0), Ink::Pale);
    s.blob(
        &[(10.0, 74.0), (9.0, 46.0), (16.0, 40.0), (48.0, 39.0), (80.0, 40.0), (87.0, 46.0), (86.0, 74.0)],
        Ink::Shaded,
    );
    s.rect((12.0, 68.0), (84.0, 86.0), Ink::Shaded);
    s.line(&[(48.0, 42.0), (48.0, 70.0)]);
    for x in [6.0, 90.0] {
        s.blob(
            &[
                (x - 8.0, 87.0),
                (x - 8.0, 64.0),
                (x - 5.0, 56.0),
                (x, 54.0),
                (x + 5.0, 56.0),
                (x + 8.0, 64.0),
                (x + 8.0, 87.0),
            ],
            Ink::Shaded,
        );
        s.rect((x - 4.0, 87.0), (x + 1.0, 92.0), Ink::Black);
    }
}

pub(super) fn bar(s: &mut Sketch) {
    for shelf in [21.0, 44.0] {
        s.rect((0.0, shelf), (133.0, shelf + 3.0), Ink::Black);
        for bottle in 0..12u8 {
            let x = 6.0 + f32::from(bottle) * 11.0;
            draw_bottle(
                s,
                (x, shelf),
                [Ink::Dark, Ink::White, Ink::Black, Ink::Grey][usize::from(bottle % 4)],
            );
        }
    }
    s.line(&[(0.0, 62.0), (133.0, 62.0)]);
}

fn draw_bottle(s: &mut Sketch, foot: (f32, f32), ink: Ink) {
    let (x, y) = foot;
    s.weighing(0.7, |s| {
        s.poly(
            &[
                (x - 3.2, y),
                (x - 3.2, y - 9.0),
                (x - 1.2, y - 12.0),
                (x - 1.2, y - 17.0),
                (x + 1.2, y - 17.0),
                (x + 1.2, y - 12.0),
                (x + 3.2, y - 9.0),
                (x + 3.2, y),
            ],
            ink,
        );
    });
}

pub(super) fn counter(s: &mut Sketch) {
    s.rect((-2.0, 77.0), (135.0, 102.0), Ink::Black);
    s.rect((-2.0, 71.0), (135.0, 77.0), Ink::White);
    for x in [18.0, 50.0, 82.0, 114.0] {
        s.white_line(&[
            (x - 12.0, 82.0),
            (x + 12.0, 82.0),
            (x + 12.0, 96.0),
            (x - 12.0, 96.0),
            (x - 12.0, 82.0),
        ]);
    }
    s.poly(&[(66.0, 55.0), (80.0, 55.0), (73.0, 63.0)], Ink::Pale);
    s.line(&[(73.0, 63.0), (73.0, 71.0)]);
    s.line(&[(69.0, 71.0), (77.0, 71.0)]);
    s.dot((74.0, 57.0), 1.2);
}

pub(super) fn bathroom(s: &mut Sketch) {
    s.weighing(0.5, |s| {
        for column in 0..10u8 {
            let x = 7.0 + f32::from(column) * 13.5;
            s.line(&[(x, 0.0), (x, 78.0)]);
        }
        for row in 0..6u8 {
            let y = 10.0 + f32::from(row) * 13.5;
            s.line(&[(0.0, y), (133.0, y)]);
        }
    });
    s.line(&[(0.0, 80.0), (133.0, 80.0)]);
    s.weighing(2.2, |s| s.curve(&[(9.0, 70.0), (9.0, 20.0), (14.0, 8.0), (24.0, 9.0), (26.0, 14.0)]));
    s.poly(&[(20.0, 14.0), (32.0, 14.0), (35.0, 20.0), (17.0, 20.0)], Ink::Black);
    for drop in 0..4u8 {
        let x = 19.0 + f32::from(drop) * 4.6;
        s.line(&[(x, 23.0), (x - 1.0, 28.0)]);
        s.line(&[(x - 1.5, 32.0), (x - 2.5, 37.0)]);
    }
    s.oval((112.0, 28.0), (13.0, 17.0), Ink::White);
    s.weighing(0.7, |s| s.line(&[(106.0, 32.0), (114.0, 20.0)]));
}

pub(super) fn tub(s: &mut Sketch) {
    for x in [18.0, 78.0] {
        s.blob(&[(x - 4.0, 88.0), (x + 5.0, 88.0), (x + 3.0, 97.0), (x - 5.0, 97.0)], Ink::Black);
    }
    s.blob(
        &[(6.0, 66.0), (9.0, 80.0), (16.0, 91.0), (48.0, 94.0), (80.0, 91.0), (87.0, 80.0), (90.0, 66.0)],
        Ink::White,
    );
    s.blob(&[(10.0, 76.0), (17.0, 89.0), (48.0, 92.0), (79.0, 89.0), (86.0, 76.0), (48.0, 80.0)], Ink::Pale);
    s.limb(&[(2.0, 67.0), (48.0, 68.0), (94.0, 67.0)], 5.0, 5.0, Ink::White);
    for (x, y, r) in [
        (22.0, 62.0, 5.0),
        (30.0, 59.0, 4.0),
        (15.0, 63.0, 4.0),
        (66.0, 61.0, 5.0),
        (74.0, 62.0, 6.0),
        (82.0, 63.0, 4.0),
        (58.0, 64.0, 4.0),
        (38.0, 64.0, 4.0),
        (70.0, 55.0, 3.5),
        (26.0, 53.0, 3.0),
    ] {
        s.oval((x, y), (r, r), Ink::White);
    }
}

//! The elements of the drawings: lines, curves and filled shapes, each in a frame with its own coordinates.

use crate::canvas::Canvas;
use crate::curve::{self, Point};
use crate::hatch::hatch;
use crate::pen::Pen;

/// How a shape is filled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ink {
    White,
    Pale,
    Grey,
    Dark,
    Black,
    /// White paper with parallel strokes.
    Hatch,
    /// Grey wash with strokes that slant the other way.
    Shaded,
}

const BLACK: u8 = 22;

impl Ink {
    fn shade(self) -> u8 {
        match self {
            Self::White | Self::Hatch => 255,
            Self::Pale => 222,
            Self::Grey | Self::Shaded => 168,
            Self::Dark => 98,
            Self::Black => BLACK,
        }
    }
}

/// The place of a figure's own coordinates on the sheet. A negative `scale.0` mirrors the figure.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Frame {
    pub(crate) origin: Point,
    pub(crate) scale: Point,
}

impl Frame {
    fn place(&self, point: &Point) -> Point {
        (self.origin.0 + point.0 * self.scale.0, self.origin.1 + point.1 * self.scale.1)
    }
}

/// A sheet, a pen and the frame that is currently drawn in.
pub(crate) struct Sketch {
    pub(crate) canvas: Canvas,
    pub(crate) pen: Pen,
    pub(crate) frame: Frame,
    weight: f32,
    halo: bool,
}

impl Sketch {
    pub(crate) fn new(canvas: Canvas, pen: Pen, frame: Frame) -> Self {
        Self { canvas, pen, frame, weight: 1.0, halo: false }
    }

    /// Draws `figure` in `frame`, with a rim of white paper around it that keeps it apart from what is behind.
    pub(crate) fn figure(&mut self, frame: Frame, figure: impl Fn(&mut Self)) {
        let (outer, hand) = (self.frame, self.pen.hand.clone());
        self.frame = frame;
        self.halo = true;
        figure(self);
        // The figure is drawn with the same hand again, because rim and figure must tremble alike.
        self.pen.hand = hand;
        self.halo = false;
        figure(self);
        self.frame = outer;
    }

    /// Draws with a heavier or lighter line.
    pub(crate) fn weighing(&mut self, weight: f32, draw: impl FnOnce(&mut Self)) {
        let outer = std::mem::replace(&mut self.weight, weight);
        draw(self);
        self.weight = outer;
    }

    /// Draws a line with corners.
    pub(crate) fn line(&mut self, points: &[Point]) {
        self.stroke(points, BLACK);
    }

    /// Draws a line with corners in white, for dark surfaces.
    pub(crate) fn white_line(&mut self, points: &[Point]) {
        self.stroke(points, 255);
    }

    /// Draws a smooth line.
    pub(crate) fn curve(&mut self, points: &[Point]) {
        self.stroke(&curve::smooth(points, false), BLACK);
    }

    /// Draws a smooth line in white.
    pub(crate) fn white_curve(&mut self, points: &[Point]) {
        self.stroke(&curve::smooth(points, false), 255);
    }

    /// Draws part of an ellipse. The angles are in turns, clockwise from three o'clock.
    pub(crate) fn arc(&mut self, centre: Point, radii: Point, from: f32, to: f32) {
        self.stroke(&curve::arc(centre, radii, from, to), BLACK);
    }

    /// Draws a shape with corners.
    pub(crate) fn poly(&mut self, points: &[Point], ink: Ink) {
        let mut closed = points.to_vec();
        closed.extend(points.first());
        self.shape(&closed, ink);
    }

    /// Draws a shape with a smooth outline.
    pub(crate) fn blob(&mut self, points: &[Point], ink: Ink) {
        self.shape(&curve::smooth(points, true), ink);
    }

    pub(crate) fn oval(&mut self, centre: Point, radii: Point, ink: Ink) {
        self.shape(&curve::oval(centre, radii), ink);
    }

    /// Draws a rectangle given by two opposite corners.
    pub(crate) fn rect(&mut self, a: Point, b: Point, ink: Ink) {
        self.poly(&[a, (b.0, a.1), b, (a.0, b.1)], ink);
    }

    /// Draws an arm, leg, tail or tentacle along `spine`.
    pub(crate) fn limb(&mut self, spine: &[Point], start: f32, end: f32, ink: Ink) {
        let mut outline = curve::limb(spine, start, end);
        outline.extend(outline.first().copied());
        self.shape(&outline, ink);
    }

    /// Draws a black spot.
    pub(crate) fn dot(&mut self, centre: Point, radius: f32) {
        self.oval(centre, (radius, radius), Ink::Black);
    }

    /// Draws a white eyeball with a pupil that looks `towards` (in eye radii).
    pub(crate) fn eye(&mut self, centre: Point, radius: f32, towards: Point) {
        self.weighing(0.7, |s| s.oval(centre, (radius, radius), Ink::White));
        let pupil = (centre.0 + towards.0 * radius, centre.1 + towards.1 * radius);
        self.wash(&curve::oval(pupil, (radius * 0.45, radius * 0.5)), Ink::Black);
    }

    /// Draws a fill without an outline.
    pub(crate) fn wash(&mut self, points: &[Point], ink: Ink) {
        let placed = self.placed(points);
        let shade = if self.halo { 255 } else { ink.shade() };
        self.canvas.fill([placed.as_slice()], shade);
    }

    fn shape(&mut self, points: &[Point], ink: Ink) {
        let placed = self.placed(points);
        let way = self.pen.trace(&placed);
        if self.halo {
            return self.rim(&way);
        }
        self.canvas.fill([way.as_slice()], ink.shade());
        self.strokes_inside(&way, ink);
        self.pen.ink(&mut self.canvas, &way, self.weight, BLACK);
    }

    fn strokes_inside(&mut self, way: &[Point], ink: Ink) {
        let rising = match ink {
            Ink::Hatch => true,
            Ink::Shaded => false,
            _ => return,
        };
        let gap = 9.0 + self.pen.nib;
        for stroke in hatch(way, gap, rising) {
            self.pen.ink(&mut self.canvas, &stroke, 0.55, BLACK);
        }
    }

    fn stroke(&mut self, points: &[Point], shade: u8) {
        let placed = self.placed(points);
        let way = self.pen.trace(&placed);
        if self.halo { self.rim(&way) } else { self.pen.ink(&mut self.canvas, &way, self.weight, shade) }
    }

    fn rim(&mut self, way: &[Point]) {
        const RIM: f32 = 7.0;
        // Ink takes random numbers from the hand, and the rim must take as many, or the second drawing would differ.
        self.pen.ink(&mut self.canvas, way, self.weight + RIM / self.pen.nib, 255);
    }

    fn placed(&self, points: &[Point]) -> Vec<Point> {
        points.iter().map(|point| self.frame.place(point)).collect()
    }
}

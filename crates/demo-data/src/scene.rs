//! One picture: what it shows and how it is put on paper.

use crate::canvas::Canvas;
use crate::characters::Character;
use crate::curve::Point;
use crate::error::Error;
use crate::pen::Pen;
use crate::props::Prop;
use crate::settings::{Setting, Stage};
use crate::sketch::{Frame, Sketch};
use cliptune_random::Random;

/// The content of a cartoon.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Scene {
    /// The character in the picture.
    pub(crate) character: Character,
    /// The place where the picture is set.
    pub(crate) setting: Setting,
    /// The prop beside the character.
    pub(crate) prop: Prop,
}

/// The width and height of a place in its own units.
const WIDE: f32 = 133.0;
const HIGH: f32 = 100.0;

/// Draws `scene` on a new canvas. `random` decides the size of the paper and all the variation.
pub(crate) fn draw(scene: Scene, mut random: Random) -> Result<Canvas, Error> {
    let (width, height) = paper(&mut random);
    let pen = Pen {
        nib: random.between_f32(2.1, 3.3) * height as f32 / 420.0,
        wobble: random.between_f32(0.7, 1.5),
        hand: random.clone(),
    };
    let sheet = sheet(&mut random, (width as f32, height as f32));
    let stage = jittered(scene.setting.stage(), &mut random);
    let character = figure_frame(sheet, stage.feet, stage.height, random.chance(25));
    let prop = prop_frame(sheet, stage, scene.prop, random.chance(50));

    let mut sketch = Sketch::new(Canvas::new(width, height)?, pen, sheet);
    scene.setting.draw_behind(&mut sketch);
    sketch.figure(character, |sketch| scene.character.draw(sketch));
    scene.setting.draw_before(&mut sketch);
    sketch.figure(prop, |sketch| scene.prop.draw(sketch));
    if random.chance(60) {
        border(&mut sketch);
    }
    Ok(sketch.canvas)
}

/// Picks a paper size as newspapers used to print.
fn paper(random: &mut Random) -> (u32, u32) {
    let height = 364 + 4 * random.below(20);
    let width = (height as f32 * random.between_f32(1.27, 1.42)) as u32;
    (width.clamp(480, 640), height as u32)
}

/// Returns the frame of the place, which covers the whole sheet and is mirrored half of the time.
fn sheet(random: &mut Random, size: Point) -> Frame {
    let (sx, sy) = (size.0 / WIDE, size.1 / HIGH);
    if random.chance(50) {
        Frame { origin: (size.0, 0.0), scale: (-sx, sy) }
    } else {
        Frame { origin: (0.0, 0.0), scale: (sx, sy) }
    }
}

fn jittered(stage: Stage, random: &mut Random) -> Stage {
    Stage {
        feet: (stage.feet.0 + random.between_f32(-4.0, 4.0), stage.feet.1 + random.between_f32(-1.5, 1.5)),
        height: stage.height * random.between_f32(0.93, 1.07),
        prop: (stage.prop.0 + random.between_f32(-3.0, 3.0), stage.prop.1),
        prop_height: stage.prop_height * random.between_f32(0.94, 1.08),
    }
}

/// Returns the frame of a figure 100 units high that stands at `foot` in the frame of the sheet. Figures keep their
/// proportions whatever those of the sheet are.
fn figure_frame(sheet: Frame, foot: Point, height: f32, turned: bool) -> Frame {
    let scale = sheet.scale.1 * height / 100.0;
    let sign = if turned { -1.0 } else { 1.0 };
    let origin = (sheet.origin.0 + foot.0 * sheet.scale.0, sheet.origin.1 + foot.1 * sheet.scale.1);
    Frame { origin, scale: (scale * sign * sheet.scale.0.signum(), scale) }
}

/// Returns the frame of the prop, moved inwards where it would extend beyond the edge of the sheet.
fn prop_frame(sheet: Frame, stage: Stage, prop: Prop, turned: bool) -> Frame {
    let height = stage.prop_height * prop.stature();
    let reach = prop.reach() * height / 100.0 * sheet.scale.1 / sheet.scale.0.abs();
    let foot = (stage.prop.0.min(WIDE - 3.0 - reach), stage.prop.1);
    figure_frame(sheet, foot, height, turned)
}

fn border(sketch: &mut Sketch) {
    sketch.line(&[(1.0, 1.4), (132.0, 1.4), (132.0, 98.6), (1.0, 98.6), (1.0, 1.4)]);
}

//! Colours that can be read: contrast as WCAG 2 counts it, and the nearest shade that has enough of it.

use postern_pools::branding::Colour;

/// Text against what is behind it (WCAG 1.4.3).
pub const TEXT: f64 = 4.5;
/// Borders and marks against what is beside them (WCAG 1.4.11).
pub const MARK: f64 = 3.0;

const WHITE: Colour = Colour([255; 3]);
const BLACK: Colour = Colour([0; 3]);
/// Steps on the way from a colour to white or black.
const STEPS: u32 = 40;

/// Reads `#rgb` or `#rrggbb`.
pub fn parse(text: &str) -> Option<Colour> {
    let digits = text.strip_prefix('#')?;
    let digit = |at: usize| digits.get(at..=at).and_then(|digit| u8::from_str_radix(digit, 16).ok());
    match digits.len() {
        3 => Some(Colour([digit(0)? * 17, digit(1)? * 17, digit(2)? * 17])),
        6 => {
            let byte = |at: usize| Some(digit(at)? * 16 + digit(at + 1)?);
            Some(Colour([byte(0)?, byte(2)?, byte(4)?]))
        }
        _ => None,
    }
}

/// Writes `#rrggbb`.
pub fn text(Colour([red, green, blue]): Colour) -> String {
    format!("#{red:02x}{green:02x}{blue:02x}")
}

fn luminance(Colour(channels): Colour) -> f64 {
    let [red, green, blue] = channels.map(|channel| {
        let value = f64::from(channel) / 255.0;
        if value <= 0.04045 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
    });
    0.2126 * red + 0.7152 * green + 0.0722 * blue
}

/// The contrast ratio of two colours, from 1 to 21.
pub fn contrast(one: Colour, other: Colour) -> f64 {
    let (one, other) = (luminance(one), luminance(other));
    (one.max(other) + 0.05) / (one.min(other) + 0.05)
}

/// Mixes so many fortieths of the second colour into the first.
pub fn mixed(Colour(one): Colour, Colour(other): Colour, step: u32) -> Colour {
    let mix = |one: u8, other: u8| {
        let sum = u32::from(one) * (STEPS - step) + u32::from(other) * step;
        u8::try_from((sum + STEPS / 2) / STEPS).unwrap_or(u8::MAX)
    };
    Colour([mix(one[0], other[0]), mix(one[1], other[1]), mix(one[2], other[2])])
}

/// The shade nearest to a colour that has enough contrast to all of these; the best of black and white where none has.
pub fn readable(colour: Colour, against: &[Colour], ratio: f64) -> Colour {
    let least =
        |shade: Colour| against.iter().map(|other| contrast(shade, *other)).fold(f64::INFINITY, f64::min);
    for step in 0..=STEPS {
        for end in [BLACK, WHITE] {
            let shade = mixed(colour, end, step);
            if least(shade) >= ratio {
                return shade;
            }
        }
    }
    if least(BLACK) >= least(WHITE) { BLACK } else { WHITE }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contrast_is_counted_as_wcag_does() {
        let grey = parse("#777").expect("a colour");
        assert!((contrast(WHITE, BLACK) - 21.0).abs() < 0.001);
        assert!((contrast(grey, WHITE) - 4.48).abs() < 0.01);
        assert_eq!(parse("#1d6b62").map(text).as_deref(), Some("#1d6b62"));
        assert!(parse("red").is_none() && parse("#12").is_none() && parse("#12345g").is_none());
    }

    #[test]
    fn a_colour_that_cannot_be_read_becomes_the_nearest_that_can() {
        let yellow = parse("#ffe000").expect("a colour");
        let shade = readable(yellow, &[WHITE], TEXT);
        assert!(contrast(shade, WHITE) >= TEXT && contrast(shade, WHITE) < 5.2, "{}", text(shade));
        assert_eq!(readable(BLACK, &[WHITE], TEXT), BLACK);
        for red in (0..=255).step_by(17) {
            for ground in [WHITE, BLACK, yellow, Colour([red, 128, 64])] {
                let shade = readable(Colour([128, red, 0]), &[ground], TEXT);
                assert!(contrast(shade, ground) >= TEXT, "{} on {}", text(shade), text(ground));
            }
        }
    }
}

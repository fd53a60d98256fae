//! How what stands around a place looks, as far as the line must look the same: boxes, wrappers, colours.

use memchr::{memchr, memmem};

use crate::mail::charset::ends_in_ascii;
use crate::mail::html::{Place, has_sheet};
use crate::mail::view::TextPart;

/// Longest tag that is copied for its look, in octets.
const TAG_OCTETS_MAX: usize = 400;
/// Most `span` and `font` elements around a paragraph that are copied for their look.
const WRAPPERS_MAX: usize = 4;
/// A ground darker than this, of 255, makes the usual blue of links hard to read.
const DARK_GROUND_MAX: u32 = 110;
/// Text lighter than this is written on a dark ground.
const LIGHT_TEXT_MIN: u32 = 160;

/// Whether the block is drawn as a box: a second one beside it would look like a thing of its own.
pub(super) fn is_framed(tag: &[u8]) -> bool {
    let tag: Vec<u8> = tag.iter().filter(|b| **b != b' ').map(u8::to_ascii_lowercase).collect();
    let has = |needle: &str| memmem::find(&tag, needle.as_bytes()).is_some();
    let border = has("border:") && !has("border:0") && !has("border:none");
    let side = ["border-left:", "border-top:", "border-right:", "border-bottom:"].iter().any(|side| has(side));
    border || side || has("background") && has("padding") && !has("padding:0")
}

/// Tags copied for their look name nothing and run nothing.
pub(super) fn is_copyable(tag: &[u8]) -> bool {
    let lower = tag.to_ascii_lowercase();
    let named = [&b"id="[..], b"name=", b" on", b"hidden", b"mso-hide", b"display"];
    tag.len() <= TAG_OCTETS_MAX && named.iter().all(|n| memmem::find(&lower, n).is_none()) && ends_in_ascii(tag)
}

/// The `span` and `font` tags that a paragraph begins with.
pub(super) fn leading_wrappers(mut octets: &[u8]) -> Vec<&[u8]> {
    let mut tags = Vec::new();
    while tags.len() < WRAPPERS_MAX {
        octets = octets.trim_ascii_start();
        let Some(end) = memchr(b'>', octets) else { break };
        let (tag, rest) = octets.split_at(end + 1);
        let lower = tag.to_ascii_lowercase();
        let wraps = [&b"<span "[..], b"<font "].iter().any(|n| lower.starts_with(n));
        let quotes = |q| memchr::memchr_iter(q, tag).count().is_multiple_of(2);
        if !wraps || !is_copyable(tag) || !quotes(b'"') || !quotes(b'\'') {
            break;
        }
        tags.push(tag);
        octets = rest;
    }
    tags
}

/// Whether a link in the readers' usual blue may be hard to read there, so that it is to have the colour of its text:
/// on a dark ground, in light text, and where a style sheet may colour links or turn colours. `open` is what wraps it.
pub(super) fn takes_text_color(part: &TextPart, place: &Place, open: &[u8]) -> bool {
    let octets = &part.decoded.octets;
    let around = std::iter::successors(place.block, |b| part.blocks.get(*b).and_then(|b| b.parent));
    let tags = around.filter_map(|b| octets.get(part.blocks.get(b)?.start_tag.clone()));
    let (mut ground, mut text) = (None, None);
    for tag in open.split(|b| *b == b'<').rev().chain(tags) {
        let tag = String::from_utf8_lossy(tag).to_ascii_lowercase();
        ground =
            ground.or_else(|| ["background-color:", "background:", "bgcolor="].iter().find_map(|p| light(&tag, p)));
        text = text.or_else(|| ["color:", "color="].iter().find_map(|p| light(&tag, p)));
    }
    ground.is_some_and(|light| light <= DARK_GROUND_MAX)
        || text.is_some_and(|light| light >= LIGHT_TEXT_MIN)
        || has_sheet(octets)
}

/// How light the colour is that a tag sets, of 255.
fn light(tag: &str, property: &str) -> Option<u32> {
    let starts = |at: &usize| !tag[..*at].ends_with(|c: char| c.is_ascii_alphanumeric() || c == '-');
    let at = tag.match_indices(property).map(|(at, _)| at).find(starts)?;
    let value = tag[at + property.len()..].trim_start_matches(['"', '\'', ' ']);
    let end = value.find([';', '"', '\'', '>']).unwrap_or(value.len());
    value[..end].split_inclusive([' ', ')']).find_map(|word| light_of(word.trim())).or_else(|| light_of(&value[..end]))
}

/// Colours that grounds and texts are given by name.
const NAMES: [(&str, u32); 6] =
    [("black", 0), ("navy", 15), ("white", 255), ("whitesmoke", 245), ("silver", 192), ("ivory", 253)];

fn light_of(color: &str) -> Option<u32> {
    let mix = |r: u32, g: u32, b: u32| (r * 299 + g * 587 + b * 114) / 1000;
    if let Some(hex) = color.strip_prefix('#') {
        let digits: Option<Vec<u32>> = hex.chars().map(|c| c.to_digit(16)).collect();
        return match digits?.as_slice() {
            [r, g, b] => Some(mix(r * 17, g * 17, b * 17)),
            [_, _, _, _, _, _] => u32::from_str_radix(hex, 16).ok().map(|n| mix(n >> 16, n >> 8 & 255, n & 255)),
            _ => None,
        };
    }
    if let Some(numbers) = color.strip_prefix("rgb(").and_then(|c| c.strip_suffix(')')) {
        let parts: Vec<u32> = numbers.split(',').filter_map(|n| n.trim().parse().ok()).collect();
        return if let [r, g, b] = parts[..] { Some(mix(r.min(255), g.min(255), b.min(255))) } else { None };
    }
    NAMES.iter().find(|(name, _)| *name == color).map(|(_, light)| *light)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_are_told_light_from_dark() {
        for (tag, property, expected) in [
            ("<p style=\"color:#fff\">", "color:", Some(255)),
            ("<p style=\"background-color: #111111; color: rgb(0, 0, 0)\">", "color:", Some(0)),
            ("<td bgcolor=\"#000080\">", "bgcolor=", Some(14)),
            ("<td style='background:url(a.png) #222 no-repeat'>", "background:", Some(34)),
            ("<td style='background:rgb(17, 17, 17)'>", "background:", Some(17)),
            ("<td style='background-color:inherit'>", "background-color:", None),
            ("<td style='border-color:#fff'>", "color:", None),
            ("<td style='color:white'>", "color:", Some(255)),
        ] {
            assert_eq!(light(tag, property), expected, "{tag}");
        }
    }
}

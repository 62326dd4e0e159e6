//! The few icons, drawn on a 16-pixel grid with the text's colour.

use yew::prelude::*;

#[derive(Clone, Copy, PartialEq)]
pub enum Glyph {
    Play,
    Pause,
    Back,
    Forward,
    End,
    Skip,
    Follow,
    Sun,
    Moon,
    Share,
    Download,
    Close,
    Panel,
    Menu,
    Copy,
    Check,
    Reset,
    Expand,
    Help,
}

#[derive(Properties, PartialEq)]
pub struct Props {
    pub glyph: Glyph,
}

#[component]
pub fn Icon(props: &Props) -> Html {
    let (d, solid) = match props.glyph {
        Glyph::Play => ("M5 3l8 5-8 5z", true),
        Glyph::Pause => ("M4 3h3v10H4zM9 3h3v10H9z", true),
        Glyph::Back => ("M11 3L5 8l6 5zM3 3h1.6v10H3z", true),
        Glyph::Forward => ("M5 3l6 5-6 5zM11.400 3H13v10h-1.600z", true),
        Glyph::End => ("M2 3l5 5-5 5zM8 3l5 5-5 5zM13 3h1.500v10H13z", true),
        Glyph::Skip => ("M2 3l5 5-5 5zM8 3l5 5-5 5z", true),
        Glyph::Follow => {
            ("M2 12c4 0 2-8 6-8h2M7.500 1.500L10.500 4l-3 2.500M13 9.500a2.500 2.500 0 1 1-.010 0z", false)
        }
        Glyph::Sun => (
            "M8 5a3 3 0 1 1-.010 0zM8 1v1.500M8 13.500V15M1 8h1.500M13.500 8H15M3 3l1 1M12 12l1 1M3 13l1-1M12 4l1-1",
            false,
        ),
        Glyph::Moon => ("M13 10A6 6 0 1 1 6.500 2.500 5 5 0 0 0 13 10z", false),
        Glyph::Share => (
            "M6 9.500L10 6.500M9 4.500a2 2 0 1 1 2.500 2M7 11.500a2 2 0 1 1-2.500-2M8 3.500l1.500-1.500a2.500 2.500 0 0 1 4 4L12 7.500M8 12.500L6.500 14a2.500 2.500 0 0 1-4-4L4 8.500",
            false,
        ),
        Glyph::Download => ("M8 2v8M4.500 7L8 10.500 11.500 7M2.500 13.500h11", false),
        Glyph::Close => ("M3.500 3.500l9 9M12.500 3.500l-9 9", false),
        Glyph::Panel => ("M2 3h12v10H2zM6 3v10", false),
        Glyph::Menu => ("M2.500 4h11M2.500 8h11M2.500 12h11", false),
        Glyph::Copy => ("M5.500 5.500h8v8h-8zM10.500 5.500v-3h-8v8h3", false),
        Glyph::Check => ("M3 8.500l3.500 3.500L13 4.500", false),
        Glyph::Reset => ("M3 8a5 5 0 1 0 1.500-3.500L3 6M3 2.500V6h3.500", false),
        Glyph::Help => ("M5.500 6a2.500 2.500 0 1 1 3.500 2.300c-.700.300-1 .700-1 1.700M8 12.700v.300", false),
        Glyph::Expand => ("M9.500 2.500h4v4M6.500 13.500h-4v-4M13.500 2.500L9 7M2.500 13.500L7 9", false),
    };
    html! {
        <svg class={classes!("icon", solid.then_some("solid"))} viewBox="0 0 16 16" width="16" height="16" aria-hidden="true">
            <path d={d} />
        </svg>
    }
}

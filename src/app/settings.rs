//! What is remembered between visits: language, theme, sizes of the regions.

use serde::{Deserialize, Serialize};

use crate::scene::Lang;

#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Theme {
    #[default]
    Light,
    Dark,
}

impl Theme {
    pub fn code(self) -> &'static str {
        match self {
            Theme::Light => "light",
            Theme::Dark => "dark",
        }
    }
    pub fn of(text: &str) -> Option<Theme> {
        match text {
            "light" => Some(Theme::Light),
            "dark" => Some(Theme::Dark),
            _ => None,
        }
    }
    pub fn other(self) -> Theme {
        match self {
            Theme::Light => Theme::Dark,
            Theme::Dark => Theme::Light,
        }
    }
}

/// A region whose size the learner may change.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Region {
    Lesson,
    Inspector,
    Terminal,
}

impl Region {
    /// The CSS property that carries its size.
    pub fn property(self) -> &'static str {
        match self {
            Region::Lesson => "--lesson-size",
            Region::Inspector => "--inspector-size",
            Region::Terminal => "--terminal-size",
        }
    }
    /// Least and greatest size in CSS pixels.
    pub fn limits(self) -> (i32, i32) {
        match self {
            Region::Lesson => (220, 560),
            Region::Inspector => (260, 640),
            Region::Terminal => (96, 640),
        }
    }
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(default)]
pub struct Settings {
    pub lang: Lang,
    pub theme: Theme,
    pub lesson: i32,
    pub inspector: i32,
    pub terminal: i32,
    pub lesson_open: bool,
    /// Drills that were finished.
    pub done: Vec<String>,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            lang: Lang::En,
            theme: Theme::Light,
            lesson: 320,
            inspector: 360,
            terminal: 232,
            lesson_open: true,
            done: Vec::new(),
        }
    }
}

impl Settings {
    pub fn size(&self, region: Region) -> i32 {
        match region {
            Region::Lesson => self.lesson,
            Region::Inspector => self.inspector,
            Region::Terminal => self.terminal,
        }
    }
    pub fn resize(&mut self, region: Region, size: i32) {
        let (least, most) = region.limits();
        let size = size.clamp(least, most);
        match region {
            Region::Lesson => self.lesson = size,
            Region::Inspector => self.inspector = size,
            Region::Terminal => self.terminal = size,
        }
    }
    /// What was stored, or the defaults where it cannot be read.
    pub fn read(json: Option<&str>) -> Option<Settings> {
        serde_json::from_str(json?).ok()
    }
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }
}

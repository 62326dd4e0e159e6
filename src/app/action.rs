//! What can be asked of the app, and what it asks of the browser in return.

use crate::base::{Str, Time};
use crate::scene::{Lang, Target};
use crate::sim::Profile;

use super::settings::Region;

/// Panels of the phone's bottom sheet.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Sheet {
    /// What to do comes first.
    #[default]
    Lesson,
    Terminal,
    Inspector,
}

/// Tabs of the inspector.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Facet {
    #[default]
    Why,
    Events,
    Yaml,
    History,
}

#[derive(Clone, PartialEq, Debug)]
pub enum Action {
    /// The display moved on to this instant, in milliseconds of real time.
    Frame(u64),
    /// Run at most so many events of what is due.
    Work(u64),

    Language(Lang),
    ToggleTheme,
    Profile(Profile),
    Resize(Region, i32),
    ToggleLesson,
    /// The stage's size in CSS pixels.
    StageSize(i32, i32),
    Sheet(Sheet),
    ReducedMotion(bool),

    Select(Option<Target>),
    Hover(Option<Target>),
    Facet(Facet),
    Zoom(Option<u32>),

    /// Shows a machine's terminal.
    Tab(u32),
    /// The text being typed changed.
    Draft(String),
    /// Adds to the text being typed (key row, paste of a chip).
    Insert(String),
    Submit,
    /// Keys for a program that reads them one by one, as a terminal sends them.
    Keys(String),
    Interrupt,
    ClearScreen,
    Older,
    Newer,
    Complete,
    /// Looks for an earlier line, or for one still older.
    SearchOlder,
    /// Ends that: with the line found, or with what was there before.
    SearchEnd(bool),
    /// Types a line at a machine, as if the learner had.
    Type(Str, String),

    TogglePlay,
    Speed(u32),
    ToggleFollow,
    /// Up to the next hop.
    StepForward,
    /// Exactly one event.
    StepEvent,
    StepBack,
    /// Moves the timeline's handle, in permille of its length.
    Seek(u32),
    SeekTo(Time),
    ToEnd,
    UntilSomething,
    /// Goes back to a branch that was left.
    Lane(usize),

    /// Opens a drill, or free play.
    Lesson(Option<String>),
    OpenStep(usize),
    DoStep(usize),
    Predict(usize, usize),

    /// Somebody outside opens a Service.
    Visit,
    /// Keys, symbols, and what the parts are.
    Help,
    Share,
    /// Opens the lab bundle's view.
    Export,
    ExportLesson(String),
    /// A knob's field changed.
    Knob(&'static str, String),
    ExportFile(String),
    Download,
    /// Opens the editor on the current terminal's machine.
    Edit,
    EditPath(String),
    EditText(String),
    EditSave,
    SaveSession,
    /// A session file's text.
    LoadSession(String),
    Reset,
    Fault(String),
    CopyText(String),
    CloseDialog,
    ToggleMenu,
}

/// What the browser is to do.
#[derive(Clone, PartialEq, Debug)]
pub enum Effect {
    /// Remember the settings.
    StoreSettings(String),
    /// Keep the session so that a crash can offer it.
    StoreSession(String),
    /// The document's language, theme and title.
    Document {
        lang: &'static str,
        theme: &'static str,
        title: String,
    },
    /// A property of the page's style sheet.
    Property(&'static str, i32),
    Copy(String),
    Download {
        name: String,
        mime: &'static str,
        bytes: Vec<u8>,
    },
    /// Replaces the query of the address.
    Query(String),
    /// The whole link of this page with this fragment goes to the share dialog.
    FocusTerminal,
}

//! How commands run: as plain data that can be saved at any instant.
//!
//! A command is an ordinary function `fn(&mut Io, &[Str]) -> Flow<i32>` that is *run again from its
//! start* whenever something it waits for arrives. Every effect it asks for is journaled; on the
//! next run the journal answers at once, so the function gets exactly as far as before and then on.
//! State between runs is (name, arguments, journal): plain data, no futures, no hand-written state
//! machines. A loop without end (`-w`, `grep` on a pipe) calls [`Io::checkpoint`] each round, which
//! empties the journal and hands `state` to the next run.
//!
//! Rules for a command: no state but its arguments and what `Io` answers; the same effects in the
//! same order on every run.

use crate::api::{Request, Value, WatchEvent};
use crate::base::{Duration, Str, Time};
use crate::sim::{Endpoint, Reply, What};

/// Why a command's function returns early. `?` passes it on.
#[derive(Clone, PartialEq, Debug)]
pub enum Stop {
    /// It waits for the pending effect.
    Wait,
    /// It ends with this exit code.
    Exit(i32),
}

pub type Flow<T> = Result<T, Stop>;

/// Where output goes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Stream {
    Out,
    Err,
}

/// What a command asks of its machine. The host ([`Host::perform`]) answers at once or later.
#[derive(Clone, PartialEq, Debug)]
pub enum Effect {
    /// One API request; answered with `Answer::Reply`.
    Request(Endpoint, Box<Request>),
    /// Opens a watch; answered with `Answer::Reply` (`Watching` or an error).
    Watch(Endpoint, Box<Request>),
    /// The next event of the watch this command opened; `Answer::Event(None)`: closed by the server.
    WatchNext,
    ReadFile(Str),
    WriteFile(Str, Str),
    /// Next line of standard input, or end of file.
    ReadLine,
    /// All of standard input.
    ReadAll,
    Sleep(Duration),
    Now,
    /// A random integer.
    Random,
    /// A trace record with the command as its source.
    Trace(What),
    /// Anything else that the machine layer offers, by name: `env`, `systemctl`, `list-dir`, `http` …
    /// with plain data in and out (`Answer::Value`). `machine::calls` documents each.
    Call(Str, Value),
}

#[derive(Clone, PartialEq, Debug)]
pub enum Answer {
    Reply(Reply),
    Event(Option<WatchEvent>),
    /// A file's or standard input's text; `Err`: the error as the C library words it
    /// (`No such file or directory`).
    Text(Result<Str, Str>),
    /// A line without its newline; `None` at the end.
    Line(Option<Str>),
    Time(Time),
    Number(u64),
    Value(Value),
    Done,
}

/// A command's memory between two runs of its function.
#[derive(Clone, Debug, Default)]
pub struct Journal {
    pub answers: Vec<Answer>,
    /// What the last [`Io::checkpoint`] kept.
    pub state: Value,
    /// Bytes of output already delivered by earlier runs since the last checkpoint, per stream.
    delivered: [usize; 2],
}

/// What the machine provides to a running command.
pub trait Host {
    /// Answers `effect` now, or starts it and returns `None`; the answer is then pushed to the
    /// journal by the host when it arrives and the command is run again.
    fn perform(&mut self, effect: Effect) -> Option<Answer>;
    /// Output as it is produced.
    fn write(&mut self, stream: Stream, text: &str);
}

/// What a command sees of the world while it runs.
pub struct Io<'a> {
    journal: &'a mut Journal,
    host: &'a mut dyn Host,
    cursor: usize,
    produced: [usize; 2],
}

/// Runs a command's function once. `Err(Stop::Wait)`: run it again when its effect is answered.
pub fn run(
    command: impl Fn(&mut Io<'_>) -> Flow<i32>,
    journal: &mut Journal,
    host: &mut dyn Host,
) -> Result<i32, Stop> {
    let mut io = Io { journal, host, cursor: 0, produced: [0, 0] };
    match command(&mut io) {
        Ok(code) | Err(Stop::Exit(code)) => Ok(code),
        Err(Stop::Wait) => Err(Stop::Wait),
    }
}

impl Io<'_> {
    /// Performs an effect, or repeats its journaled answer.
    pub fn effect(&mut self, effect: Effect) -> Flow<Answer> {
        if self.cursor == self.journal.answers.len() {
            match self.host.perform(effect) {
                Some(answer) => self.journal.answers.push(answer),
                None => return Err(Stop::Wait),
            }
        }
        self.cursor += 1;
        Ok(self.journal.answers[self.cursor - 1].clone())
    }

    /// Prints; what earlier runs printed already is not printed again.
    pub fn print(&mut self, stream: Stream, text: &str) {
        let (i, start) = (stream as usize, self.produced[stream as usize]);
        self.produced[i] += text.len();
        let skip = self.journal.delivered[i].saturating_sub(start).min(text.len());
        if skip < text.len() {
            self.journal.delivered[i] = self.produced[i];
            self.host.write(stream, &text[skip..]);
        }
    }
    pub fn out(&mut self, text: impl AsRef<str>) {
        self.print(Stream::Out, text.as_ref());
    }
    pub fn outln(&mut self, line: impl AsRef<str>) {
        self.print(Stream::Out, &format!("{}\n", line.as_ref()));
    }
    pub fn errln(&mut self, line: impl AsRef<str>) {
        self.print(Stream::Err, &format!("{}\n", line.as_ref()));
    }
    /// Prints `message` to standard error and ends the command: `return io.fail(1, "error: …")`.
    pub fn fail<T>(&mut self, code: i32, message: impl AsRef<str>) -> Flow<T> {
        self.errln(message);
        Err(Stop::Exit(code))
    }

    /// Ends the command; what there is to say was printed.
    pub fn fail_quietly<T>(&mut self, code: i32) -> Flow<T> {
        Err(Stop::Exit(code))
    }

    /// What the last checkpoint kept; `Null` on the first run.
    pub fn state(&self) -> Value {
        self.journal.state.clone()
    }
    /// Forgets the journal and keeps `state`: the next run starts from here. Call at the end of each
    /// round of an endless loop, whose function then begins with `io.state()`.
    pub fn checkpoint(&mut self, state: Value) {
        let rest = self.journal.answers.split_off(self.cursor);
        *self.journal = Journal { answers: rest, state, delivered: [0, 0] };
        (self.cursor, self.produced) = (0, [0, 0]);
    }

    pub fn request(&mut self, to: &Endpoint, request: Request) -> Flow<Reply> {
        match self.effect(Effect::Request(to.clone(), Box::new(request)))? {
            Answer::Reply(reply) => Ok(reply),
            other => unreachable!("a request was answered with {other:?}"),
        }
    }
    pub fn watch(&mut self, to: &Endpoint, request: Request) -> Flow<Reply> {
        match self.effect(Effect::Watch(to.clone(), Box::new(request)))? {
            Answer::Reply(reply) => Ok(reply),
            other => unreachable!("a watch was answered with {other:?}"),
        }
    }
    pub fn watch_next(&mut self) -> Flow<Option<WatchEvent>> {
        match self.effect(Effect::WatchNext)? {
            Answer::Event(event) => Ok(event),
            other => unreachable!("a watch event was answered with {other:?}"),
        }
    }
    pub fn read_file(&mut self, path: &str) -> Flow<Result<Str, Str>> {
        match self.effect(Effect::ReadFile(path.into()))? {
            Answer::Text(text) => Ok(text),
            other => unreachable!("a read was answered with {other:?}"),
        }
    }
    pub fn write_file(&mut self, path: &str, text: impl Into<Str>) -> Flow<Result<Str, Str>> {
        match self.effect(Effect::WriteFile(path.into(), text.into()))? {
            Answer::Text(text) => Ok(text),
            other => unreachable!("a write was answered with {other:?}"),
        }
    }
    pub fn read_line(&mut self) -> Flow<Option<Str>> {
        match self.effect(Effect::ReadLine)? {
            Answer::Line(line) => Ok(line),
            other => unreachable!("a line was answered with {other:?}"),
        }
    }
    pub fn read_all(&mut self) -> Flow<Str> {
        match self.effect(Effect::ReadAll)? {
            Answer::Text(text) => Ok(text.unwrap_or_default()),
            other => unreachable!("standard input was answered with {other:?}"),
        }
    }
    pub fn sleep(&mut self, time: Duration) -> Flow<()> {
        self.effect(Effect::Sleep(time)).map(drop)
    }
    pub fn now(&mut self) -> Flow<Time> {
        match self.effect(Effect::Now)? {
            Answer::Time(time) => Ok(time),
            other => unreachable!("the time was answered with {other:?}"),
        }
    }
    pub fn random(&mut self) -> Flow<u64> {
        match self.effect(Effect::Random)? {
            Answer::Number(n) => Ok(n),
            other => unreachable!("a random number was answered with {other:?}"),
        }
    }
    pub fn call(&mut self, name: &str, input: Value) -> Flow<Value> {
        match self.effect(Effect::Call(name.into(), input))? {
            Answer::Value(value) => Ok(value),
            other => unreachable!("a call was answered with {other:?}"),
        }
    }
    pub fn trace(&mut self, what: What) -> Flow<()> {
        self.effect(Effect::Trace(what)).map(drop)
    }
}

/// A command of the simulated machines.
pub struct Command {
    pub name: &'static str,
    /// `args[0]` is the name it was called by.
    pub run: fn(&mut Io<'_>, &[Str]) -> Flow<i32>,
    /// One line for `help`, in English and Korean.
    pub about: [&'static str; 2],
    /// Folder it lives in, for `which`: `/usr/bin`; empty: built into the shell.
    pub folder: &'static str,
    /// Milliseconds from its start until it does something: loading, linking, reading its config.
    pub startup_ms: u32,
}

impl std::fmt::Debug for Command {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}

//! `vi`, `vim`, `nano`: this terminal has no full-screen editor; they say what works instead.

use super::{korean, row};
use crate::base::Str;
use crate::machine::program::{Command, Flow, Io};

pub static VI: Command =
    row("vi", ["edit a file (not in this terminal)", "파일을 편집합니다 (이 터미널에서는 쓸 수 없습니다)"], run);
pub static VIM: Command =
    row("vim", ["edit a file (not in this terminal)", "파일을 편집합니다 (이 터미널에서는 쓸 수 없습니다)"], run);
pub static NANO: Command =
    row("nano", ["edit a file (not in this terminal)", "파일을 편집합니다 (이 터미널에서는 쓸 수 없습니다)"], run);

fn run(io: &mut Io<'_>, args: &[Str]) -> Flow<i32> {
    let file = args.get(1).map_or("FILE", Str::as_str);
    if korean(io)? {
        io.errln(format!("{}: 이 실습 환경의 터미널에는 전체 화면 편집기가 없습니다.", args[0]));
        io.errln(format!("대신 다음과 같이 바꿀 수 있습니다.\n  sed -i 's/이전/이후/' {file}\n  cat > {file} <<EOF"));
    } else {
        io.errln(format!("{}: this lab's terminal has no full-screen editor.", args[0]));
        io.errln(format!("To change a file, use\n  sed -i 's/old/new/' {file}\n  cat > {file} <<EOF"));
    }
    Ok(1)
}

//! The words of the interface, both languages side by side: a row cannot lack one.

use super::Lang;

macro_rules! texts {
    ($($key:ident: $en:literal, $ko:literal;)*) => {
        /// A phrase of the interface.
        #[allow(non_camel_case_types)]
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        pub enum Text { $($key),* }
        static TABLE: &[[&str; 2]] = &[$([$en, $ko]),*];
    };
}

texts! {
    Name: "Kubedrill", "쿠브드릴";
    FreePlay: "Free play", "자유 실습";
    Lesson: "Lesson", "학습";
    Lessons: "Lessons", "학습 목록";
    Terminal: "Terminal", "터미널";
    Inspector: "Inspector", "살펴보기";
    Stage: "Cluster", "클러스터";
    Timeline: "Timeline", "타임라인";
    Profile: "Profile", "환경";
    ProfileBook: "book · v1.18", "book · v1.18";
    ProfileModern: "modern · current", "modern · 최신";
    Language: "Language", "언어";
    ThemeLight: "Light theme", "밝은 화면";
    ThemeDark: "Dark theme", "어두운 화면";
    Share: "Share", "공유";
    Export: "Lab bundle", "실습 묶음";
    ExportHint: "Download this drill for real virtual machines (zip)", "실제 가상 머신에서 할 수 있게 내려받기 (zip)";
    SaveSession: "Save session", "세션 저장";
    OpenSession: "Open session", "세션 열기";
    Reset: "Start over", "처음부터";
    OpenFull: "Open in full", "크게 열기";
    CopyLink: "Copy link", "링크 복사";
    LinkHint: "The link holds the profile, the seed and everything you typed.", "링크에는 환경, 시드, 입력한 모든 명령이 들어 있습니다.";
    Copied: "Copied", "복사했습니다";
    Copy: "Copy", "복사";
    Run: "Run", "실행";
    Close: "Close", "닫기";
    SkipToTerminal: "Skip to terminal", "터미널로 건너뛰기";
    SkipToLesson: "Skip to lesson", "학습으로 건너뛰기";
    Play: "Play", "재생";
    Pause: "Pause", "일시 정지";
    StepBack: "Step back", "한 단계 뒤로";
    StepForward: "Step forward", "한 단계 앞으로";
    ToEnd: "Go to the end", "끝으로";
    ToNext: "Until something happens", "다음 일이 생길 때까지";
    SkipNext: "Skip to the next event", "다음 이벤트로 건너뛰기";
    Speed: "Speed", "속도";
    Follow: "Follow", "따라가기";
    FollowHint: "Slow down and follow each message", "메시지를 하나씩 천천히 따라갑니다";
    Running: "running", "실행 중";
    TerminalInput: "Command line of", "명령줄:";
    Interrupt: "Interrupt", "중단";
    Yaml: "YAML", "YAML";
    Events: "Events", "이벤트";
    Placed: "The scheduler chose", "스케줄러의 선택";
    NotPlaced: "The scheduler found no node", "스케줄러가 노드를 찾지 못했습니다";
    Plugin: "score by plugin", "플러그인별 점수";
    Total: "total", "합계";
    Why: "Why", "왜";
    History: "History", "지나온 일";
    NoEvents: "No events.", "이벤트가 없습니다.";
    NoWhy: "Nothing recorded about this yet.", "아직 기록된 일이 없습니다.";
    WhyHint: "What led here, latest first. Click to go to that moment.", "여기에 이른 과정입니다. 최근 일이 위에 있고, 누르면 그 순간으로 갑니다.";
    Node: "Node", "노드";
    Ip: "IP", "IP";
    Status: "Status", "상태";
    WaitsFor: "Waits for", "기다리는 대상";
    Restarts: "Restarts", "재시작";
    Age: "Age", "나이";
    Image: "Image", "이미지";
    Owner: "Owner", "소유자";
    Process: "Process", "프로세스";
    Processes: "Processes", "프로세스";
    Hardware: "Hardware", "하드웨어";
    Alive: "running", "실행 중";
    Dead: "not running", "멈춤";
    CutOff: "cut off", "연결 끊김";
    Booting: "booting", "부팅 중";
    NotMade: "no such machine yet", "아직 없는 머신";
    VagrantMakes: "vagrant up makes it", "vagrant up이 만듭니다";
    NoPods: "no pods here yet", "아직 파드가 없습니다";
    Provisioning: "runs", "실행:";
    Troubled: "in trouble", "이상";
    Replaying: "Replaying the session", "세션을 다시 재생하고 있습니다";
    PoweredOff: "powered off", "전원 꺼짐";
    BelievedDead: "the control plane believes it is down", "컨트롤 플레인은 죽었다고 봅니다";
    Hollow: "the API says so, but nothing of it runs", "API에는 그렇게 적혀 있지만 실제로는 돌고 있지 않음";
    StillRuns: "its containers still run", "컨테이너는 아직 돌고 있습니다";
    Ready: "Ready", "Ready";
    NotReady: "NotReady", "NotReady";
    Cordoned: "cordoned", "스케줄 제외";
    NotJoined: "not joined", "참여 전";
    HostPc: "Your PC", "내 PC";
    Users: "Users", "사용자";
    UsersHint: "Users: open the newest Service from outside", "사용자: 클러스터 밖에서 가장 새로운 서비스에 접속";
    SharedAddress: "The address that the control planes share; it answers on", "컨트롤 플레인이 함께 쓰는 주소, 지금 받는 머신";
    NobodyAnswers: "nobody", "없음";
    Help: "Help", "도움말";
    Shell: "shell", "셸";
    ApiServer: "API server", "API 서버";
    Etcd: "etcd", "etcd";
    ControllerManager: "Controller manager", "컨트롤러 매니저";
    Scheduler: "Scheduler", "스케줄러";
    Kubelet: "kubelet", "kubelet";
    Runtime: "runtime", "런타임";
    KubeProxy: "kube-proxy", "kube-proxy";
    Cni: "calico", "calico";
    Pods: "pods", "파드";
    Pending: "pending", "대기";
    Creating: "creating", "생성 중";
    PodRunning: "running", "실행 중";
    Unready: "running, not ready", "실행 중, 준비 안 됨";
    Terminating: "terminating", "종료 중";
    Failed: "failed", "실패";
    Completed: "completed", "완료";
    Ghost: "runs, but the API has no such pod", "돌고 있지만 API에는 없는 파드";
    ZoomIn: "Zoom into this machine", "이 머신 확대";
    ZoomOut: "Whole cluster", "전체 보기";
    DoIt: "Do it", "해 보기";
    Done: "Done", "완료";
    Open: "Open", "남음";
    LookAt: "What to look at", "볼 곳";
    Predict: "What do you expect?", "어떻게 될까요?";
    Goals: "Goals", "목표";
    AllDone: "Drill complete", "실습을 마쳤습니다";
    StartHere: "Start here", "여기서 시작";
    Welcome: "A Kubernetes cluster runs in this page. Type real commands, watch every request travel, break things and take time back. Begin with a drill:", "이 페이지 안에서 쿠버네티스 클러스터가 돌고 있습니다. 실제 명령을 입력하고, 요청이 지나는 길을 보고, 고장 내고, 시간을 되돌려 보세요. 첫 실습부터 시작합니다.";
    NextDrill: "Next drill:", "다음 실습:";
    ForReal: "The same on real machines", "실제 머신에서 해 보기";
    TryThese: "Or try a command", "또는 명령부터";
    TypeHere: "type a command here", "여기에 명령을 입력하세요";
    PastHint: "You are looking at the past. A new command starts a new branch.", "과거를 보고 있습니다. 명령을 입력하면 새 갈래가 생깁니다.";
    Branch: "branch", "갈래";
    Forked: "A new branch. The old one is kept on the timeline.", "새 갈래입니다. 이전 갈래는 타임라인에 남아 있습니다.";
    BadLink: "This link could not be read", "링크를 읽을 수 없습니다";
    BadFile: "This session file could not be read", "세션 파일을 읽을 수 없습니다";
    PlainLab: "The plain lab was opened instead.", "대신 기본 실습 환경을 열었습니다.";
    NothingLost: "Your session is unchanged.", "지금 세션은 그대로입니다.";
    UnknownLesson: "No such lesson", "없는 학습입니다";
    UnknownProfile: "No such profile", "없는 환경입니다";
    OtherProfile: "This drill needs another profile", "이 학습은 다른 환경에서 합니다";
    OtherOpened: "It was opened in that one.", "그 환경으로 열었습니다.";
    FreePlayInstead: "Free play was opened instead.", "대신 자유 실습을 열었습니다.";
    BadSeed: "The seed is not a number", "시드가 숫자가 아닙니다";
    BadWorkers: "There are 1 to 9 workers", "워커는 1대에서 9대까지입니다";
    BadMasters: "There are 1, 3 or 5 control planes", "컨트롤 플레인은 1, 3, 5대 중 하나입니다";
    FaultPower: "Pull the plug", "전원 뽑기";
    FaultBoot: "Power on", "전원 켜기";
    FaultCut: "Cut its network", "네트워크 끊기";
    FaultHeal: "Restore its network", "네트워크 복구";
    StopKubelet: "Stop kubelet", "kubelet 중지";
    StartKubelet: "Start kubelet", "kubelet 시작";
    StopRuntime: "Stop the runtime", "런타임 중지";
    StartRuntime: "Start the runtime", "런타임 시작";
    Describe: "Describe", "describe";
    DeleteIt: "Delete", "삭제";
    NoBundle: "No lab bundle can be made of this", "실습 묶음을 만들 수 없습니다";
    Files: "Files", "파일";
    FilesHint: "Edit files of this machine", "이 머신의 파일 편집";
    Path: "Path", "경로";
    Save: "Save", "저장";
    FileSaved: "File saved", "파일을 저장했습니다";
    NewFile: "not there yet", "아직 없는 파일";
    Unsaved: "not saved", "저장 안 됨";
    Knobs: "Machines", "머신 설정";
    DownloadZip: "Download zip", "zip 내려받기";
    BundleIntro: "Everything to do this drill on real virtual machines. Every line says what it does.", "실제 가상 머신에서 이 실습을 하는 데 필요한 모든 것입니다. 줄마다 하는 일이 적혀 있습니다.";
    FixKnobs: "Correct the marked fields to download.", "표시된 칸을 고치면 내려받을 수 있습니다.";
    Changes: "changes", "바뀌는 것";
    Cosmetic: "changes nothing", "바뀌는 것 없음";
    Safety: "safety", "안전장치";
    Without: "Without it:", "이 줄이 없으면:";
    KnobWorkers: "Worker nodes", "워커 노드 수";
    KnobVersion: "Kubernetes version", "쿠버네티스 버전";
    KnobCpus: "CPUs, control plane", "컨트롤 플레인 CPU";
    KnobMemory: "Memory, control plane (MiB)", "컨트롤 플레인 메모리 (MiB)";
    KnobWorkerCpus: "CPUs, worker", "워커 CPU";
    KnobWorkerMemory: "Memory, worker (MiB)", "워커 메모리 (MiB)";
    KnobProvider: "Provider", "가상화 도구";
    KnobArch: "Processor", "프로세서";
    KnobNetwork: "Network prefix", "네트워크 앞자리";
    KnobCni: "Pod network (CNI)", "파드 네트워크 (CNI)";
    KnobPodCidr: "Pod addresses (CIDR)", "파드 주소 (CIDR)";
    KnobServiceCidr: "Service addresses (CIDR)", "서비스 주소 (CIDR)";
    Hint: "Hint", "힌트";
    BuiltFor: "Lab bundle downloaded", "실습 묶음을 내려받았습니다";
    NarrationRegion: "What happens", "지금 일어나는 일";
    CrashTitle: "Kubedrill stopped because of a bug of ours", "쿠브드릴의 버그로 멈췄습니다";
    CrashBody: "What you did is kept. Save it and send it with a report, or replay it.", "지금까지 한 일은 남아 있습니다. 저장해서 보고하거나 다시 재생해 보세요.";
    Replay: "Replay", "다시 재생";
    Fresh: "Start fresh", "새로 시작";
    Loading: "Starting the cluster", "클러스터를 시작하는 중";
    More: "More", "더 보기";
    AndMore: "Other events:", "그 밖의 일:";
    Menu: "Menu", "메뉴";
    ResizeLesson: "Resize the lesson panel", "학습 패널 크기 조절";
    ResizeTerminal: "Resize the terminal", "터미널 크기 조절";
    ResizeInspector: "Resize the inspector", "살펴보기 패널 크기 조절";
}

/// The phrase in a language.
pub fn t(lang: Lang, text: Text) -> &'static str {
    TABLE[text as usize][lang as usize]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_phrase_is_empty() {
        for [en, ko] in TABLE {
            assert!(!en.trim().is_empty() && !ko.trim().is_empty(), "{en:?} / {ko:?}");
        }
        assert_eq!(t(Lang::Ko, Text::Lesson), "학습");
    }
}

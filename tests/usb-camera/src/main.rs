//! `usb-camera`: plugs a simulated camera into this machine.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::fd::BorrowedFd;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::time::ClockId;
use usb_camera::camera::{Camera, Completed};
use usb_camera::descriptors::{Identity, Transfer};
use usb_camera::faults::{Command, Serial};
use usb_camera::{usbip, usbredir};

const USAGE: &str = "\
usage: usb-camera --control SOCKET [--serial SERIAL|-] [--product NAME] [--iso] [--redir SOCKET] [--unplugged]
       usb-camera tell SOCKET COMMAND
commands: unplug, plug [SERIAL|-], stall SECONDS, hang SECONDS, truncate N, zero N, err N, garbage N,
          nodht 0|1, maxfps N, padding BYTES, ok, status, quit   (N: every Nth frame; 0 ends it)";

/// A command is one line of at most this length.
const COMMAND_MAX_BYTES: u64 = 200;
/// A client that connects and sends nothing is disconnected after this long.
const COMMAND_WAIT_MAX: Duration = Duration::from_secs(1);
/// The interval between attempts to plug in while no port is free.
const PLUG_RETRY: Duration = Duration::from_millis(100);

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let result = match arguments.split_first() {
        Some((first, [socket, command @ ..])) if first == "tell" => tell(socket, &command.join(" ")),
        _ => match Options::parse(arguments) {
            Ok(options) => run(options),
            Err(problem) => {
                eprintln!("usb-camera: {problem}\n{USAGE}");
                return ExitCode::from(2);
            }
        },
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("usb-camera: {error}");
            ExitCode::FAILURE
        }
    }
}

struct Options {
    control: PathBuf,
    identity: Identity,
    transfer: Transfer,
    /// A virtual machine's socket; without it, the camera is plugged into this machine.
    redirection: Option<PathBuf>,
    plugged: bool,
}

impl Options {
    fn parse(arguments: Vec<String>) -> Result<Options, String> {
        let mut identity = Identity {
            manufacturer: "Pinhole".into(),
            product: "Lab Camera".into(),
            serial: Some("LAB0001".into()),
        };
        let (mut control, mut transfer, mut redirection, mut plugged) = (None, Transfer::Bulk, None, true);
        let mut arguments = arguments.into_iter();
        while let Some(argument) = arguments.next() {
            let mut value = || arguments.next().ok_or(format!("{argument} needs a value"));
            match argument.as_str() {
                "--control" => control = Some(value()?.into()),
                "--serial" => identity.serial = Some(value()?).filter(|serial| serial != "-"),
                "--product" => identity.product = value()?,
                "--redir" => redirection = Some(value()?.into()),
                "--iso" => transfer = Transfer::Isochronous,
                "--unplugged" => plugged = false,
                _ => return Err(format!("unknown option {argument:?}")),
            }
        }
        let control = control.ok_or("--control is missing")?;
        if redirection.is_some() && transfer == Transfer::Isochronous {
            return Err("--redir and --iso do not go together".into());
        }
        Ok(Options { control, identity, transfer, redirection, plugged })
    }
}

/// Sends a command to a running camera and prints its answer.
fn tell(socket: &str, command: &str) -> io::Result<()> {
    let mut stream = UnixStream::connect(socket)?;
    writeln!(stream, "{command}")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    match answer.trim_end().strip_prefix("error: ") {
        Some(problem) => Err(io::Error::other(problem)),
        None => write!(io::stdout(), "{answer}"),
    }
}

enum Cable {
    Out,
    Wanted,
    In(Port),
}

/// The socket at the end of the cable.
enum Port {
    Own(usbip::Port),
    Machine(usbredir::Port),
}

impl Port {
    fn plug(redirection: Option<&Path>) -> io::Result<Port> {
        match redirection {
            None => usbip::Port::plug().map(Port::Own),
            Some(socket) => usbredir::Port::plug(socket).map(Port::Machine),
        }
    }

    fn as_fd(&self) -> BorrowedFd<'_> {
        match self {
            Port::Own(port) => port.as_fd(),
            Port::Machine(port) => port.as_fd(),
        }
    }

    fn serve(&mut self, camera: &mut Camera, now: Duration) -> io::Result<()> {
        match self {
            Port::Own(port) => port.serve(camera, now),
            Port::Machine(port) => port.serve(camera, now),
        }
    }

    fn complete(&mut self, done: &Completed) -> io::Result<()> {
        match self {
            Port::Own(port) => port.complete(done),
            Port::Machine(port) => port.complete(done),
        }
    }
}

struct Bench {
    camera: Camera,
    cable: Cable,
    redirection: Option<PathBuf>,
}

fn run(options: Options) -> io::Result<()> {
    // Left behind by a killed camera.
    let _ = std::fs::remove_file(&options.control);
    let commands = UnixListener::bind(&options.control)?;
    let camera = Camera::new(options.identity, options.transfer);
    let cable = if options.plugged { Cable::Wanted } else { Cable::Out };
    let mut bench = Bench { camera, cable, redirection: options.redirection };
    loop {
        bench.plug_if_wanted();
        let ready = bench.wait(&commands)?;
        if ready.command && bench.take_command(&commands) {
            return Ok(());
        }
        bench.move_data(ready.host);
    }
}

/// The events to handle.
struct Ready {
    command: bool,
    host: bool,
}

impl Bench {
    fn plug_if_wanted(&mut self) {
        if matches!(self.cable, Cable::Wanted) {
            match Port::plug(self.redirection.as_deref()) {
                Ok(port) => self.cable = Cable::In(port),
                Err(error) => eprintln!("usb-camera: cannot plug in yet: {error}"),
            }
        }
    }

    /// Waits for a command, for the host, or for the time of the next frame.
    fn wait(&self, commands: &UnixListener) -> io::Result<Ready> {
        let timeout = match &self.cable {
            Cable::Out => None,
            Cable::Wanted => Some(PLUG_RETRY),
            Cable::In(_) => self.camera.wake_at().map(|at| at.saturating_sub(monotonic())),
        };
        let timeout = timeout
            .map(|time| Timespec { tv_sec: time.as_secs() as i64, tv_nsec: time.subsec_nanos().into() });
        let mut waiting = vec![PollFd::new(commands, PollFlags::IN)];
        if let Cable::In(port) = &self.cable {
            waiting.push(PollFd::from_borrowed_fd(port.as_fd(), PollFlags::IN));
        }
        match rustix::event::poll(&mut waiting, timeout.as_ref()) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        let is_ready = |index: usize| waiting.get(index).is_some_and(|fd| !fd.revents().is_empty());
        Ok(Ready { command: is_ready(0), host: is_ready(1) })
    }

    /// Serves the host and sends available video.
    fn move_data(&mut self, host_is_ready: bool) {
        let Cable::In(port) = &mut self.cable else { return };
        let mut result = if host_is_ready { port.serve(&mut self.camera, monotonic()) } else { Ok(()) };
        while result.is_ok() {
            let Some(done) = self.camera.poll(monotonic()) else { return };
            result = port.complete(&done);
        }
        if let Err(error) = result {
            eprintln!("usb-camera: the host has let go: {error}");
            self.cable = Cable::Out;
        }
    }

    /// Takes one command; `true` ends the program.
    fn take_command(&mut self, commands: &UnixListener) -> bool {
        let Ok((stream, _)) = commands.accept() else { return false };
        let (answer, ends) = match read_command(&stream) {
            Ok(Command::Quit) => ("ok".to_owned(), true),
            Ok(command) => (self.obey(command), false),
            Err(problem) => (format!("error: {problem}"), false),
        };
        if ends {
            self.cable = Cable::Out;
        }
        // The camera does not care whether a client waits for the response.
        let _ = writeln!(&stream, "{answer}");
        ends
    }

    fn obey(&mut self, command: Command) -> String {
        match command {
            Command::Unplug => self.cable = Cable::Out,
            Command::Plug(serial) => self.plug(serial),
            Command::Fault(fault) => self.camera.set_fault(fault, monotonic()),
            Command::Ok => self.camera.clear_faults(),
            Command::Status => {
                let plugged = u8::from(matches!(self.cable, Cable::In(_)));
                return format!("plugged={plugged} {}", self.camera);
            }
            Command::Quit => {}
        }
        "ok".into()
    }

    fn plug(&mut self, serial: Serial) {
        if matches!(self.cable, Cable::Out) {
            self.camera.power_on(serial);
            self.cable = Cable::Wanted;
            self.plug_if_wanted();
        }
    }
}

fn read_command(stream: &UnixStream) -> Result<Command, String> {
    let mut line = String::new();
    let read = stream
        .set_read_timeout(Some(COMMAND_WAIT_MAX))
        .and_then(|()| BufReader::new(stream.take(COMMAND_MAX_BYTES)).read_line(&mut line));
    read.map_err(|error| format!("cannot read the command: {error}"))?;
    line.parse()
}

fn monotonic() -> Duration {
    let time = rustix::time::clock_gettime(ClockId::Monotonic);
    Duration::new(time.tv_sec.cast_unsigned(), time.tv_nsec as u32)
}

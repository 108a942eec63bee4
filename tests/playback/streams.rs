//! Layers, revisions and clips: what is kept, and what is never mixed up.

use rushes::decode::{Access, Attribute, Length, MediaInfo};
use rushes::player::{ClipOptions, Command};
use rushes::stats::ShownStatus;
use rushes::time::{PreloadStrategy, Rate};

use crate::support::clips::{self, clip};
use crate::support::pool::End;
use crate::support::rig::{CREDITS, Rig};

#[test]
fn a_layer_and_back_hits_the_cache() {
    let mut rig = Rig::new(20, 40, 40);
    rig.settle();
    rig.command(Command::NextLayer);
    rig.settle();
    assert_eq!(rig.pool.submitted().len(), 40);
    rig.command(Command::PreviousLayer);
    rig.tick();
    assert_eq!(rig.exact(), Some(0), "it is in VRAM still");
    rig.settle();
    assert_eq!((rig.pool.submitted().len(), rig.ring.ordered.len()), (40, 40));
}

#[test]
fn frames_of_another_layer_make_room_first() {
    let mut rig = Rig::new(20, 20, 20);
    rig.settle();
    rig.command(Command::NextLayer);
    rig.settle();
    let snapshot = rig.player.snapshot();
    assert_eq!((snapshot.cpu.resident_frames, snapshot.gpu.resident_frames), (20, 20));
    let loaded = |run: &rushes::stats::Run| run.status == rushes::stats::FrameStatus::Resident;
    assert!(snapshot.timeline.cpu.iter().all(loaded));
}

#[test]
fn a_layer_switch_cancels_the_other_layer() {
    let mut rig = Rig::new(20, 20, 20);
    rig.jobs_per_tick = 0;
    rig.tick();
    rig.command(Command::SelectLayer(1));
    rig.tick();
    assert_eq!(rig.pool.cancelled().len(), CREDITS);
}

#[test]
fn a_reload_reads_everything_again() {
    let mut rig = Rig::new(10, 10, 10);
    rig.settle();
    rig.command(Command::Reload);
    rig.tick();
    assert!(matches!(rig.last.shown, ShownStatus::Empty | ShownStatus::Held(_)));
    rig.settle();
    assert_eq!(rig.pool.submitted().len(), 20);
    assert_eq!(rig.exact(), Some(0));
    assert_eq!(rig.player.snapshot().cpu.resident_frames, 10, "nothing of the old revision stays");
    assert_eq!(rig.player.snapshot().gpu.resident_frames, 10);
}

#[test]
fn a_late_result_of_an_old_revision_is_never_shown_nor_kept() {
    let mut rig = Rig::new(10, 10, 10);
    rig.jobs_per_tick = 0;
    rig.tick();
    rig.command(Command::Reload);
    rig.tick();
    for index in 0..CREDITS as u32 {
        rig.pool.finish(index, End::Done);
    }
    rig.tick();
    assert_eq!((rig.decode().ok, rig.decode().stale), (CREDITS as u64, CREDITS as u64));
    assert_eq!(rig.player.snapshot().cpu.resident_frames, 0);
    rig.jobs_per_tick = CREDITS;
    rig.settle();
    // The rig looks at the revision of every exact frame, the ring at its bytes.
    assert_eq!(rig.exact(), Some(0));
    assert!(rig.ring.ordered.iter().all(|key| key.revision.0 == 1));
}

#[test]
fn a_reload_forgives_failed_frames_at_once() {
    let mut rig = Rig::new(5, 5, 5);
    rig.pool.script().ends.insert(0, End::Failed);
    rig.settle();
    assert!(rig.slate().is_some());
    rig.pool.script().ends.clear();
    rig.command(Command::Reload);
    rig.settle();
    assert_eq!(rig.exact(), Some(0));
}

#[test]
fn a_reload_while_playing_goes_on_playing() {
    let mut rig = Rig::new(30, 20, 10);
    rig.command(Command::Play);
    for _ in 0..5 {
        rig.run(31);
        rig.command(Command::Reload);
    }
    rig.passes(2);
    assert!(rig.player.transport().is_playing());
}

#[test]
fn a_second_clip_is_shown_and_the_first_one_kept_while_there_is_room() {
    let mut rig = Rig::new(10, 25, 25);
    rig.add(|id| clip(id, 12));
    rig.settle();
    let first = rig.playhead_key().expect("a clip").clip;
    rig.command(Command::NextClip);
    rig.settle();
    let second = rig.playhead_key().expect("a clip").clip;
    assert_ne!(first, second);
    assert_eq!(rig.player.snapshot().clip.map(|clip| (clip.frames, clip.position)), Some((12, 1)));
    assert_eq!(rig.pool.submitted().len(), 22);
    rig.command(Command::PreviousClip);
    rig.tick();
    assert_eq!(rig.exact(), Some(0));
    rig.settle();
    assert_eq!(rig.pool.submitted().len(), 22, "the first clip is there still");
}

#[test]
fn two_clips_share_one_budget() {
    let mut rig = Rig::new(20, 24, 12);
    rig.add(|id| clip(id, 20));
    for _ in 0..4 {
        rig.command(Command::NextClip);
        rig.command(Command::Play);
        rig.passes(2);
    }
    let shown = rig.playhead_key().expect("a clip").clip;
    let charged = rig.player.ledger().charged_clip(rushes::memory::Tier::Cpu, shown);
    assert!(charged >= 20 * crate::support::clips::FRAME_BYTES, "{charged}");
}

#[test]
fn a_player_without_clips_shows_nothing_and_takes_any_command() {
    let mut rig = Rig::empty(10, 10);
    for row in rushes::player::COMMANDS {
        rig.command(row.command);
    }
    rig.command(Command::Seek(7));
    rig.run(3);
    assert_eq!(rig.last.shown, ShownStatus::Empty);
    assert!(rig.player.snapshot().clip.is_none());
}

#[test]
fn every_command_of_the_table_may_come_at_any_time() {
    let mut rig = Rig::new(15, 10, 6);
    rig.add(|id| clip(id, 9));
    for round in 0..3 {
        for row in rushes::player::COMMANDS {
            rig.command(row.command);
            rig.run(round);
        }
    }
    rig.command(Command::Pause);
    rig.settle();
    assert_eq!(rig.exact(), Some(rig.playhead()));
}

#[test]
fn a_reload_finds_frames_that_were_rendered_since() {
    let folder = tempfile::tempdir().unwrap();
    let options = |frames| rushes::encode::DemoOptions {
        width: 16,
        height: 16,
        frames,
        codec: rushes::encode::DemoCodec::None,
    };
    rushes::encode::write_demo_sequence(folder.path(), &options(3), &mut |_, _| {}).unwrap();
    let pattern = folder.path().join("demo.####.exr").into_os_string();
    let (resolved, errors) = rushes::sequence::resolve(&[pattern], &Default::default());
    assert!(errors.is_empty(), "{errors:?}");
    let clip =
        rushes::player::Clip::open(rushes::frame::ClipId(1), &resolved[0], &Default::default()).unwrap();
    assert_eq!(clip.frames(), 3);
    rushes::encode::write_demo_sequence(folder.path(), &options(5), &mut |_, _| {}).unwrap();
    let fresh = clip.reopened().unwrap();
    assert_eq!((fresh.frames(), fresh.number(4), fresh.revision.0), (5, 1005, clip.revision.0 + 1));
    std::fs::remove_dir_all(folder.path()).unwrap();
    assert!(fresh.reopened().is_err());
}

/// A movie of which nobody knows yet how long it is.
fn estimated(id: rushes::frame::ClipId, frames: u32) -> rushes::player::Clip {
    let length = Length { frames, is_estimated: true };
    let file = (0, std::path::PathBuf::from("fake.mov"));
    let info = MediaInfo { length: Some(length), ..clips::info() };
    rushes::player::Clip::from_paths(id, "fake.mov", vec![file], info, &ClipOptions::default()).unwrap()
}

#[test]
fn a_movie_grows_while_its_index_is_read_and_has_its_length_when_that_ends() {
    let mut rig = Rig::empty(200, 200);
    rig.add(|id| estimated(id, 20));
    let shown = |rig: &mut Rig| rig.player.snapshot().clip.unwrap();
    rig.settle();
    assert!(shown(&mut rig).notice.unwrap().contains("estimated"));
    rig.command(Command::Play);
    rig.run(96);
    // More than the file says is known by now.
    rig.pool.script().length = Some(Length { frames: 50, is_estimated: true });
    rig.run(96);
    let grown = shown(&mut rig);
    assert_eq!((grown.frames, grown.out_number), (50, 49));
    let playhead = rig.playhead();
    rig.run(8);
    assert_ne!(rig.playhead(), playhead, "playback goes on");
    // An out point that was set stays.
    rig.command(Command::SetRange(5, 30));
    rig.run(4);
    rig.pool.script().length = Some(Length { frames: 70, is_estimated: true });
    rig.run(96);
    assert_eq!((shown(&mut rig).frames, shown(&mut rig).out_number), (70, 30));
    // The end, which lies before what was estimated, and before the playhead.
    rig.command(Command::Pause);
    rig.command(Command::Seek(60));
    rig.run(4);
    rig.pool.script().length = Some(Length { frames: 28, is_estimated: false });
    rig.run(96);
    let known = shown(&mut rig);
    assert_eq!((known.frames, known.out_number, known.frame_number, known.notice), (28, 27, 27, None));
    rig.settle();
    assert_eq!(rig.exact(), Some(27));
    // Nobody asks any more.
    rig.pool.script().length = Some(Length { frames: 90, is_estimated: false });
    rig.run(96);
    assert_eq!(shown(&mut rig).frames, 28);
}

#[test]
fn a_movie_beside_a_sequence_has_its_own_rate_strategy_and_share() {
    let mut rig = Rig::empty(40, 40);
    rig.add(|id| clip(id, 30));
    let rate = Rate::new(30, 1).unwrap();
    rig.add(|id| {
        let length = Some(Length { frames: 60, is_estimated: false });
        let info = MediaInfo { length, access: Access::Sequential, rate: Some(rate), ..clips::info() };
        let file = (0, std::path::PathBuf::from("fake.mov"));
        rushes::player::Clip::from_paths(id, "fake.mov", vec![file], info, &ClipOptions::default()).unwrap()
    });
    let strategy = |rig: &Rig| rig.player.clip().unwrap().strategy();
    let presented = |rig: &mut Rig| rig.player.snapshot().present.presented;
    rig.settle();
    assert_eq!((rig.player.transport().rate(), strategy(&rig)), (Rate::FILM, PreloadStrategy::Spiral));
    rig.command(Command::NextClip);
    rig.settle();
    assert_eq!((rig.player.transport().rate(), strategy(&rig)), (rate, PreloadStrategy::Forward));
    assert_eq!(rig.player.snapshot().clip.unwrap().frames, 60);
    // Neither clip took everything from the other.
    let held = |rig: &mut Rig| rig.player.snapshot().memory.clips.len();
    assert_eq!(held(&mut rig), 2);
    rig.command(Command::Play);
    let before = presented(&mut rig);
    rig.run(96);
    assert!((29..=31).contains(&(presented(&mut rig) - before)));
    rig.command(Command::PreviousClip);
    rig.run(4);
    let before = presented(&mut rig);
    rig.run(96);
    assert!((23..=25).contains(&(presented(&mut rig) - before)));
}

#[test]
fn the_timecode_of_a_movie_goes_with_its_frames() {
    let timecode = |rate: (u32, u32), stated: &str, frame: u32| {
        let mut rig = Rig::empty(200, 200);
        rig.add(|id| {
            let mut info = MediaInfo {
                length: Some(Length { frames: 100, is_estimated: false }),
                rate: Rate::new(rate.0, rate.1).ok(),
                ..clips::info()
            };
            let (name, kind, value) = ("timecode".into(), "text".into(), stated.into());
            info.parts[0].attributes.push(Attribute { name, kind, value });
            let file = (0, std::path::PathBuf::from("fake.mov"));
            rushes::player::Clip::from_paths(id, "fake.mov", vec![file], info, &ClipOptions::default())
                .unwrap()
        });
        rig.command(Command::Seek(frame));
        rig.settle();
        rig.player.snapshot().clip.unwrap().timecode.map(|timecode| timecode.to_string())
    };
    assert_eq!(timecode((24, 1), "01:00:00:20", 6).as_deref(), Some("01:00:01:02"));
    assert_eq!(timecode((30_000, 1001), "00:00:59;29", 1).as_deref(), Some("00:01:00;02"));
    assert_eq!(timecode((24, 1), "yesterday", 6), None);
    let mut rig = Rig::new(200, 200, 20);
    assert_eq!(rig.player.snapshot().clip.unwrap().timecode, None, "sequences have numbers");
}

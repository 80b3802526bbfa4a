//! Streams with damage: cut, overwritten or missing units, flipped bits, noise.

use super::*;

/// Whatever is missing or cut short, every decoded picture is one of the scene, in the order of the scene,
/// and pictures resume at the next key unit.
pub(super) fn assert_no_smear(decoded: &Decoded, scene: &Scene, what: &str) {
    let originals: Vec<_> =
        scene.pictures.iter().map(|picture| clips::full_range(picture, scene.size)).collect();
    let mut next = 0;
    for picture in &decoded.pictures {
        let found = originals[next..].iter().position(|original| clips::psnr(picture, original) >= 32.0);
        let Some(skipped) = found else { panic!("{what}: a picture after {next} is not one of the scene") };
        next += skipped + 1;
    }
    assert!(next >= originals.len() - 1, "{what}: pictures end at {next}");
}

#[test]
fn damage_costs_pictures_and_is_never_shown() {
    if !clips::available("decoding") {
        return;
    }
    let scene = Scene::new(SIZE, 75);
    for (codec, options) in [
        (Codec::H264, clips::h264("bframes=0:ref=1")),
        (Codec::H264, clips::h264("bframes=3:ref=3")),
        (Codec::H264, clips::h264("bframes=0:slices=4:cabac=0")),
        (Codec::H265, clips::h265("bframes=0:ref=1")),
        (Codec::H265, clips::h265("bframes=3")),
    ] {
        let whole = units(&clips::encode(SIZE, 75, &options), codec);
        for at in [25, 26, 30] {
            let half = whole[at].data.len() / 2;
            let (mut cut, mut overwritten) = (whole.clone(), whole.clone());
            cut[at].data = whole[at].data[..half].to_vec().into();
            let mut bytes = whole[at].data.to_vec();
            bytes[half..].fill(0x55);
            overwritten[at].data = bytes.clone().into();
            // Some damage cannot be detected, and networks do not cause it: in CAVLC any bits decode to a
            // picture, and in H.265 only a slice's header is checked.
            let damages = match codec {
                Codec::H264 if options.contains("cabac=0") => vec![("cut", cut)],
                Codec::H264 => vec![("cut", cut), ("overwritten", overwritten)],
                Codec::H265 => {
                    bytes[12..].fill(0x55);
                    overwritten[at].data = bytes.into();
                    vec![("overwritten", overwritten)]
                }
            };
            for (damage, stream) in damages {
                let decoded = decode(codec, &stream);
                let what = format!("{options}: {at} {damage}");
                assert!(decoded.damaged > 0, "{what}");
                assert_no_smear(&decoded, &scene, &what);
            }
        }
    }
}

/// Decodes 60 streams of 25 pictures with one bit flipped in each, and counts those in which the damage was
/// noticed, invisible, or shown as a smear.
fn flip_bits(codec: Codec, options: &str, scene: &Scene) -> [usize; 3] {
    let whole = units(&clips::encode(scene.size, 25, options), codec);
    let originals: Vec<_> =
        scene.pictures.iter().map(|picture| clips::full_range(picture, scene.size)).collect();
    let [mut noticed, mut unseen, mut smeared] = [0; 3];
    let mut dice = 88_172_645_463_325_252_u64;
    for round in 0..60 {
        let mut stream = whole.clone();
        let changed = &mut stream[1 + round % 20];
        let mut data = changed.data.to_vec();
        dice ^= dice << 13;
        dice ^= dice >> 7;
        dice ^= dice << 17;
        // Behind the header of the slice.
        let at = 16 + dice as usize % (data.len() - 16);
        data[at] ^= 1 << (dice >> 32 & 7);
        changed.data = data.into();
        let decoded = decode(codec, &stream);
        let number = |at: &Monotonic| (at.since(whole[0].arrived).as_millis() / 40) as usize;
        let mut pairs = decoded.pictures.iter().zip(decoded.captured.iter().map(number));
        match pairs.all(|(picture, number)| clips::psnr(picture, &originals[number]) >= 30.0) {
            false => smeared += 1,
            true if decoded.damaged > 0 => noticed += 1,
            true => unseen += 1,
        }
    }
    [noticed, unseen, smeared]
}

#[test]
fn most_flipped_bits_are_noticed() {
    if !clips::available("decoding") {
        return;
    }
    let scene = Scene::new(SIZE, 25);
    for (name, options) in [
        ("CABAC", clips::h264("bframes=0:ref=1")),
        ("CAVLC", clips::h264("bframes=0:ref=1:cabac=0:8x8dct=0")),
    ] {
        let [noticed, unseen, smeared] = flip_bits(Codec::H264, &options, &scene);
        println!("{name}: {noticed} noticed, {unseen} invisible, {smeared} smeared");
        assert!(noticed >= 4 * smeared, "{name}: {noticed} noticed, {smeared} smeared");
    }
}

#[test]
fn a_reference_that_is_missing_is_noticed() {
    if !clips::available("decoding") {
        return;
    }
    let scene = Scene::new(SIZE, 75);
    for (options, missing) in [(clips::h265("bframes=0:ref=1"), 30), (clips::h265("bframes=3"), 26)] {
        let codec = Codec::H265;
        let mut stream = units(&clips::encode(SIZE, 75, &options), codec);
        stream.remove(missing);
        let decoded = decode(codec, &stream);
        assert!(decoded.damaged > 0, "{options}");
        assert_no_smear(&decoded, &scene, &options);
    }
}

#[test]
fn after_a_discontinuity_nothing_before_the_key_unit_shows() {
    if !clips::available("decoding") {
        return;
    }
    let scene = Scene::new(SIZE, 75);
    let mut stream = units(&clips::encode(SIZE, 75, &clips::h264("bframes=3")), Codec::H264);
    stream.drain(30..50);
    stream[30].discontinuity = true;
    let decoded = decode(Codec::H264, &stream);
    assert_eq!(decoded.damaged, 0);
    assert_no_smear(&decoded, &scene, "discontinuity");
    assert!(decoded.pictures.len() >= 50, "{}", decoded.pictures.len());
}

#[test]
fn garbage_is_an_error_or_nothing() {
    for codec in [Codec::H264, Codec::H265] {
        let mut decoder = Decoder::new(codec).unwrap();
        for (seed, len) in [(1_u32, 0), (2, 1), (3, 4), (5, 100), (7, 5000)] {
            let mut state = seed;
            let noise = |_| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                (state >> 24) as u8
            };
            let mut data = vec![0, 0, 1, if codec == Codec::H264 { 0x65 } else { 0x26 }];
            data.extend((0..len).map(noise));
            let mut unit = units(&data, codec).remove(0);
            unit.is_key = true;
            let pushed = decoder.push(unit);
            assert!(!matches!(pushed, Err(DecodeError::Library(_))), "{pushed:?}");
            assert!(!matches!(decoder.pull(), Ok(Some(_))));
        }
    }
}

//! Controls over HTTP match those seen by v4l2-ctl.

use serde_json::{Value, json};

use crate::service::Pinhole;
use crate::wait::PATIENCE;
use crate::{Case, Outcome, ensure, v4l2};

/// The cases.
pub fn cases() -> Vec<Case> {
    vec![
        Case::new("controls: what is set over HTTP is what v4l2-ctl sees, and the other way", set_and_seen),
        Case::new("controls: what is not allowed is refused in words, and nothing is set", refused),
    ]
}

fn serve() -> Outcome<(Pinhole, String)> {
    let service = Pinhole::serve(&["--size", "640x480", v4l2::VIVID])?;
    // Connections are accepted before the camera is found.
    let camera = service.wait_for_state("idle", PATIENCE)?;
    let name = camera["name"].as_str().unwrap_or_default().to_owned();
    Ok((service, format!("/api/cameras/{name}/controls")))
}

fn find<'a>(controls: &'a Value, name: &str) -> Outcome<&'a Value> {
    let found = controls.as_array().and_then(|all| all.iter().find(|control| control["name"] == name));
    found.ok_or_else(|| format!("no {name} in {controls:#}").into())
}

fn set_and_seen() -> Outcome {
    let (service, path) = serve()?;
    let controls = service.json(&path)?;
    let brightness = find(&controls, "brightness")?;
    ensure!(
        brightness["type"] == "integer" && brightness["min"] == 0 && brightness["max"] == 255,
        "vivid's brightness is 0 to 255: {brightness}"
    );
    // While it streams.
    let mut viewer = service.view("/stream")?;
    viewer.next()?;
    for wanted in [200, 55] {
        let (status, after) =
            service.patch(&path, &json!({ "brightness": wanted, "horizontal_flip": wanted == 55 }))?;
        ensure!(status == 200 && find(&after, "brightness")?["value"] == wanted, "{status} {after:#}");
        let seen = v4l2::control("brightness")?;
        ensure!(seen == wanted, "v4l2-ctl sees brightness {seen}, not {wanted}");
        let flip = v4l2::control("horizontal_flip")?;
        ensure!(flip == i64::from(wanted == 55), "v4l2-ctl sees horizontal_flip {flip}");
    }
    viewer.next()?;
    v4l2::set_control("brightness", 128)?;
    ensure!(find(&service.json(&path)?, "brightness")?["value"] == 128, "what v4l2-ctl sets is seen");
    // A menu, by its words.
    let menu = find(&controls, "test_pattern")?;
    let item = &menu["menu"][1];
    let (status, after) = service.patch(&path, &json!({ "test_pattern": item["label"] }))?;
    ensure!(status == 200 && find(&after, "test_pattern")?["value"] == item["value"], "{status} {menu:#}");
    service.patch(&path, &json!({ "test_pattern": 0, "horizontal_flip": false }))?;
    Ok(())
}

fn refused() -> Outcome {
    let (service, path) = serve()?;
    let before = v4l2::control("contrast")?;
    for (body, words) in [
        (json!({ "contrast": 1, "brightness": 256 }), "0 to 255"),
        (json!({ "contrast": 1, "sharpness_of_wit": 1 }), "use one of: "),
        (json!({ "contrast": "much" }), "0 to 255"),
        (json!([1]), "no JSON object"),
    ] {
        let (status, answer) = service.patch(&path, &body)?;
        let error = answer["error"].as_str().unwrap_or_default();
        ensure!(status == 400 && error.contains(words), "{body}: {status} {answer}");
    }
    let after = v4l2::control("contrast")?;
    ensure!(before == after, "contrast was {before} and is {after}");
    Ok(())
}

"""What panels say, as tables of cases."""

import doctest
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from napari.layers import Points
from spots import classes_card, numbers_in, small_card

from napari_growtrack.core.errors import StackError
from napari_growtrack.core.growth.plan import Plan
from napari_growtrack.core.growth.schedule import Schedule
from napari_growtrack.core.linking import Linkage, Linking
from napari_growtrack.core.motion import Units
from napari_growtrack.core.motion.report import report_motion
from napari_growtrack.core.networks.calibration import MakingProgress
from napari_growtrack.core.progress import Progress
from napari_growtrack.core.scoring import iter_compare, thesis_score
from napari_growtrack.core.simulation import named_scene
from napari_growtrack.jobs.network_views import Maps
from napari_growtrack.widgets.grow import sentences as grow_sentences
from napari_growtrack.widgets.networks import sentences as network_sentences
from napari_growtrack.widgets.networks.maps_view import layers
from napari_growtrack.widgets.score import sentences as score_sentences
from napari_growtrack.widgets.score.question import ask
from napari_growtrack.widgets.session import card_facts, sentences
from napari_growtrack.widgets.session.region import TrackingProgress
from napari_growtrack.widgets.simulate import sentences as simulate_sentences
from napari_growtrack.widgets.simulate.sentences import FilmProgress
from napari_growtrack.widgets.track import sentences as track_sentences
from napari_growtrack.widgets.trajectories import sentences as trajectory_sentences


def test_the_examples_hold():
    assert [doctest.testmod(module).failed for module in (sentences, trajectory_sentences, grow_sentences)] == [0, 0, 0]


@pytest.mark.parametrize(
    ("stage", "line"),
    [
        (1, "Expected error 0.33 px at SNR 3, 0.10 px at SNR 10 (simulated, 10 px wide)"),
        (3, "Expected error 0.11 px at SNR 3, 0.03 px at SNR 10 (simulated, 10 px wide)"),
    ],
)
def test_expected_errors_are_told_with_their_conditions(stage, line):
    assert sentences.error_line(small_card(), stage) == line


def test_a_network_that_was_never_measured_says_so():
    card = small_card().with_(reports=())
    assert sentences.error_line(card, 1) == "Expected error: not measured for this network"
    assert sentences.error_table(card, 1) == ""


def test_a_stage_says_what_it_is_and_costs():
    assert sentences.stage_line(small_card(), 3) == "Stage 3 of 3: 6 12 12 12 12 units, 100% of full cost"


@pytest.mark.parametrize(
    ("stage", "screen", "line"),
    [
        (1, 1, "Stage 1 looks everywhere"),
        (3, 1, "Stage 1 looks everywhere, stage 3 only where it finds something"),
        (3, 3, "Stage 3 looks everywhere"),
    ],
)
def test_the_cascade_says_which_stage_looks_where(stage, screen, line):
    assert sentences.screen_line(stage, small_card().cascade(stage, screen)) == line


def test_speed_is_told_of_this_computer_and_this_size_of_frame():
    line = sentences.speed_line(0.0032, 0.043, (251, 300))
    assert line == "312 frames/s on this computer (251 x 300 px); 4.3% of the windows passed on"


def test_the_error_to_expect_is_that_of_the_fits_and_nothing_of_simulated_frames_is_said_of_a_film():
    line = sentences.film_line(0.05)
    assert line.startswith("Expected error here 0.05 px")
    assert "%" not in line
    assert "SNR" not in line


def test_the_median_error_of_detections_follows_from_sigma():
    assert sentences.error_of(pd.DataFrame({"sigma": [0.1, 0.2, 0.9, np.nan]})) == pytest.approx(
        0.2 * 1.17741, rel=1e-4
    )
    assert sentences.error_of(pd.DataFrame({"sigma": []})) is None


@pytest.mark.parametrize(
    ("progress", "line"),
    [
        (TrackingProgress(0, 50), "Loading the network..."),
        (TrackingProgress(0, 50, contrast="normal"), "Reading the first frame..."),
        (TrackingProgress(1, 50, 0, seconds=3), "Frame 1 of 50"),
        (TrackingProgress(12, 50, 11, seconds=0.2), "Frame 12 of 50, 8 s left"),
    ],
)
def test_progress_says_how_far_and_how_long(progress, line):
    assert sentences.progress_line(progress) == line


@pytest.mark.parametrize(
    ("found", "progress", "line"),
    [
        (153, TrackingProgress(50, 50, 49, seconds=0.0063), "153 detections in 50 frames, 6.3 ms per frame"),
        (1, TrackingProgress(1, 1, 7, seconds=2), "1 detection in 1 frame, 2.0 s per frame"),
        (9, TrackingProgress(3, 50, 2, seconds=0.25), "Stopped after 3 of 50 frames: 9 detections, 250 ms per frame"),
        (0, TrackingProgress(0, 50), "Stopped before the first frame; nothing was changed."),
    ],
)
def test_the_outcome_says_what_was_found_and_how_fast(found, progress, line):
    assert sentences.outcome_line(found, progress) == line


def test_many_warnings_become_one_line():
    assert sentences.warning_line(["Dark."]) == "Dark."
    assert sentences.warning_line(["Dark.", "Dark."] * 2) == "Dark. (and 3 more warnings)"


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("Stopped after 3 of 500 frames: 1,200 detections", [3, 500, 1200]),
        ("+0.133, -0.100 px; 60.0% of 2", [0.133, -0.1, 60, 2]),
        ("D 1.5e-3 px²/frame (0 to 59).", [0.0015, 0, 59]),
        ("SNR1 and run2 name no numbers", []),
    ],
)
def test_the_numbers_of_a_sentence_are_found(text, numbers):
    assert numbers_in(text) == numbers


# score ----------------------------------------------------------------------------------------------------------------

TRUE = np.array([(0, 10, 10), (0, 30, 40), (1, 11, 10), (2, 30, 40), (4, 50, 50)], float)


def answer_of(found, within=5, region=None, **place):
    kept = {"frames": [0, 1, 2, 3, 4], **({} if region is None else {"region": region})}
    truth = Points(TRUE, name="truth", **place)
    *_, answer = ask(truth, Points(found, name="found", metadata={"growtrack": kept}, **place), within).answered()
    return answer


@pytest.mark.parametrize(
    ("about", "words"),
    [
        ("Found", "60.0% of 5 particles"),
        ("False", "25.0% of 4 detections"),
        ("Matched", "3 pairs, F1 0.667"),
        ("Median error", "0.300 px = 0.15 µm"),
        ("Mean error", "0.233 px = 0.117 µm"),
        ("Shift y, x", "+0.133, +0.100 px"),
    ],
)
def test_a_score_is_told_with_its_units(about, words):
    found = np.array([(0, 10, 10.3), (0, 30.4, 40), (1, 11, 10), (2, 30, 46)], float)
    answer = answer_of(found, scale=(1, 0.5, 0.5), units=("pixel", "um", "um"))
    assert score_sentences.numbers(answer)[about] == words


@pytest.mark.parametrize(
    ("region", "words"),
    [
        (None, "Compared: 5 tracked frames (0 to 4); 1 of them without truth"),
        (
            [0, 0, 50, 64],
            "Compared: 5 tracked frames (0 to 4), the part that was tracked (y 0 to 49, x 0 to 63); 2 ",
        ),
    ],
)
def test_the_frames_that_count_are_told(region, words):
    assert score_sentences.frames_line(answer_of(TRUE, region=region).question).startswith(words)


@pytest.mark.parametrize(
    ("found", "kind", "words"),
    [
        (TRUE, "plain", ""),
        (
            TRUE + np.array([0, 200, 0]),
            "warning",
            "No detection is within 5 px of a particle. Are both layers of one film?",
        ),
        (TRUE[:0], "warning", "There are no detections in what is compared: every particle counts as missed."),
    ],
)
def test_what_is_odd_about_a_score_is_told(found, kind, words):
    true = pd.DataFrame(TRUE, columns=["frame", "y", "x"])
    *_, comparison = iter_compare(true, pd.DataFrame(found, columns=["frame", "y", "x"]), 5)
    assert score_sentences.verdict(comparison.score) == (words, kind)


@pytest.mark.parametrize(
    ("there", "words"), [(False, ""), (True, "Thesis's measures: missed 0.0%, false 0.0%, median")]
)
def test_the_thesis_measures_are_told_where_radii_are_known(there, words):
    true = pd.DataFrame(TRUE, columns=["frame", "y", "x"]).assign(radius=2.0)
    assert score_sentences.thesis_line(thesis_score(true, true) if there else None).startswith(words)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (score_sentences.comparing_line(1200), "Comparing 1,200 frames..."),
        (score_sentences.errors_line(0.3, 0.3456, 0), "Median 0.3 px, 90 % below 0.346 px"),
        (
            score_sentences.errors_line(0.3, 0.3456, 1200),
            "Median 0.3 px, 90 % below 0.346 px; the last bar holds 1,200 beyond",
        ),
        (score_sentences.saved_line(Path("mine.csv")), "Saved mine.csv and mine.json in ."),
        (
            score_sentences.NOTHING,
            "There is nothing to compare yet: open a truth (File > Open, a CSV table) and track its film.",
        ),
        (score_sentences.STOPPED, "Stopped. Change a layer, or Within, to compare again."),
    ],
)
def test_how_comparing_goes_is_told(line, words):
    assert line == words


def test_whether_sigma_promises_what_was_measured_is_told():
    rng = np.random.default_rng(3)
    places = np.stack(np.divmod(np.arange(400), 20), axis=1) * 20.0
    true = pd.DataFrame({"frame": 0, "y": places[:, 0], "x": places[:, 1]})
    moved = rng.normal(0, 0.3, (400, 2))
    found = true.assign(y=true["y"] + moved[:, 0], x=true["x"] + moved[:, 1], sigma=0.15)
    *_, comparison = iter_compare(true, found, 5)
    line = score_sentences.sigma_line(comparison)
    assert line.startswith("Along one axis: sigma says 0.15 px, measured 0.")
    assert line.endswith(" times as wide)")
    *_, bare = iter_compare(true, true, 5)
    assert score_sentences.sigma_line(bare) == ""


# networks -------------------------------------------------------------------------------------------------------------

CLASSES = classes_card()


def remade(**made):
    card = small_card()
    return card.with_(provenance=card.provenance.with_(**made))


@pytest.mark.parametrize(
    ("card", "label", "words"),
    [
        (small_card(), "Size", f"3 stages, {small_card().plan.parameters(3):,} parameters, window 51 x 51 px"),
        (small_card(), "Particles", "2.5 to 80 px wide; grown on 8 to 12 px"),
        (remade(seconds=150, images=1200), "Grown", "2.5 min on 1,200 images"),
        (remade(began_with="vesicles"), "Grown", "1 s on 0 images, beginning with vesicles"),
        (remade(imported_from="best.h5"), "Grown", "elsewhere; imported from best.h5"),
        (small_card(), "Made by", "napari-growtrack 0, none"),
        (CLASSES, "Size", f"2 stages, {CLASSES.plan.parameters(2):,} parameters, window 28 x 28 px"),
    ],
)
def test_a_card_says_what_a_network_is(card, label, words):
    assert card_facts.facts(card)[label] == words


def test_a_scene_is_told_with_its_units():
    line = card_facts.scene_line(named_scene("vesicles").with_(snr=3, about="Bright spots."))
    assert line == "Bright spots. SNR 3; 0.3 to 4 particles per 100 x 100 px; 8 to 12 px wide."


def test_a_card_says_what_it_was_grown_on():
    scene = small_card().recipe.scene
    assert card_facts.grown_on_line(small_card()) == card_facts.scene_line(scene)
    line = card_facts.grown_on_line(CLASSES)
    assert line == "Labelled images: mnist train. Right answers on images it never learned from:"


def test_the_cost_of_each_stage_is_told():
    lines = card_facts.cost_lines(small_card().plan).splitlines()
    assert lines[0] == "Stage 1: 2 4 4 4 4 units, 22% of full cost"
    assert lines[2] == "Stage 3: 6 12 12 12 12 units, 100% of full cost"


@pytest.mark.parametrize(
    ("card", "stage", "words"),
    [
        (small_card(), 1, "Stage 1, on simulated frames of 251 x 251 px; ms per frame, on the computer that grew it. "),
        (small_card(), 2, "Stage 2, screened by stage 1, on simulated frames of 251 x 251 px; ms per frame, "),
        (small_card().with_(reports=()), 2, "Errors were not measured for this network."),
    ],
)
def test_how_errors_were_measured_is_told(card, stage, words):
    assert card_facts.measured_line(card, stage).startswith(words)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (network_sentences.unreadable_line("a", StackError("It is odd.")), "It is odd."),
        (network_sentences.unreadable_line("a", OSError("odd")), "a cannot be read: odd."),
        (network_sentences.chosen_line("vesicles"), "vesicles is chosen in Track."),
        (sentences.saved_as_line("a/b.growtrack"), "Saved as a/b.growtrack."),
        (network_sentences.deleted_line("mine"), "mine is deleted."),
        (
            network_sentences.kept_line("a/b.growtrack", PermissionError(13, "Permission denied")),
            "Cannot delete a/b.growtrack: Permission denied.",
        ),
        (
            network_sentences.delete_question("mine", "a/b.growtrack", chosen=False),
            "Delete mine, with a/b.growtrack? This cannot be undone.",
        ),
        (
            network_sentences.delete_question("mine", "a/b.growtrack", chosen=True),
            "Delete mine, with a/b.growtrack? This cannot be undone. It is the one chosen in Track.",
        ),
        (network_sentences.outside_line("film"), "The cursor is outside of film."),
    ],
)
def test_what_is_done_with_networks_is_told(line, words):
    assert line == words


@pytest.mark.parametrize(
    ("distance", "zoom", "words"),
    [
        (1.24, 1.0, "particle 1.2 px away, at (+0.8, -0.9)"),
        (-0.1, 1.0, "particle 0.0 px away, at (+0.8, -0.9)"),
        (11.9, 1.0, "no particle within 12 px"),
        (5.95, 2.0, "no particle within 6 px"),
        (11.9, 0.5, "particle 11.9 px away, at (+0.8, -0.9)"),
    ],
)
def test_an_answer_is_told_in_pixels_of_the_film(distance, zoom, words):
    maps = Maps(2, np.zeros((3, 3)), {}, (10.0, 20.0), (0.8, -0.9), distance, zoom)
    assert network_sentences.answer_line(maps, small_card()) == f"Stage 2 of 3: {words}\nWindow at (10.0, 20.0)"


def test_layers_are_told_with_their_maps_or_units():
    assert [*layers(Plan.breadth((2, 4), (3, 5), conv=1), 2)] == [
        *("conv 1: 5 maps", "conv 1, stage 1: 2 maps", "conv 1, stage 2: 3 maps"),
        *("dense 1: 9 units", "dense 1, stage 1: 4 units", "dense 1, stage 2: 5 units"),
    ]


# trajectories and their motion ----------------------------------------------------------------------------------------


def linkage_of(seen, **about):
    """Return a linkage of trajectories that are seen so often each."""
    rows = [(frame, 5.0, 5.0, particle) for particle, number in enumerate(seen) for frame in range(number)]
    table = pd.DataFrame(rows, columns=["frame", "y", "x", "particle"])
    told = {"frames": 60, "repeated": np.array([], int), "short": 0, "cut": False} | about
    return Linkage(table, Linking(search_radius=4), **told)


@pytest.mark.parametrize(
    ("linkage", "words"),
    [
        (linkage_of([60, 60, 40]), "3 trajectories of 160 of 1,200 detections, 60 long typically"),
        (linkage_of([7], short=2), "1 trajectory of 7 of 1,200 detections, 7 long typically. 2 trajectories of fewer "),
        (
            linkage_of([7], cut=True),
            "1 trajectory of 7 of 1,200 detections, 7 long typically. Moves do not end before ",
        ),
        (linkage_of([]), "No trajectory is long enough to stay. Lower Shortest, or search farther."),
    ],
)
def test_what_linking_brought_is_told(linkage, words):
    assert trajectory_sentences.linked_line(linkage, 1200).startswith(words)


@pytest.mark.parametrize(
    ("units", "words"),
    [
        (Units(), "After 3 frames: 1.5 (1.2 to 1.81) px², 1,342 pairs"),
        (Units(pixel_size=0.1, frame_time=0.5), "After 3 s: 1.5 (1.2 to 1.81) µm², 1,342 pairs"),
    ],
)
def test_a_mean_square_displacement_is_told_with_its_units(units, words):
    row = pd.Series({"lag": 3.0, "msd": 1.5, "low": 1.2, "high": 1.812, "pairs": 1342.0})
    assert trajectory_sentences.lag_line(row, units) == words
    bare = trajectory_sentences.lag_line(row.replace({1.2: np.nan, 1.812: np.nan}), units)
    assert numbers_in(bare) == [3, 1.5, 1342]


@pytest.mark.parametrize(
    ("units", "words"),
    [
        (Units(), "At 10 frames: y +0.2, x -3 px since the first frame"),
        (Units(pixel_size=0.1, frame_time=0.5), "At 5 s: y +0.02, x -0.3 µm since the first frame"),
    ],
)
def test_drift_is_told_with_its_units(units, words):
    assert trajectory_sentences.drift_line(pd.Series({"frame": 10.0, "y": 0.2, "x": -3.0}), units) == words


@pytest.mark.parametrize(
    ("units", "value", "unit"), [(Units(), 2, "frames"), (Units(), 1, "frame"), (Units(frame_time=0.5), 1, "s")]
)
def test_times_are_told_in_frames_or_seconds(units, value, unit):
    assert trajectory_sentences.unit_of_time(units, value) == unit


def test_remarks_come_with_a_warning_of_drift_only_where_it_is_kept_and_sure():
    report = SimpleNamespace(drift=SimpleNamespace(is_sure=True, trajectories=5), remarks=("One.", "Two."))
    reading = SimpleNamespace(report=report, why="")
    assert trajectory_sentences.remarks_line(reading, True) == f"{trajectory_sentences.DRIFTS} One. Two."
    assert trajectory_sentences.remarks_line(reading, False) == "One. Two."
    assert "drift" in trajectory_sentences.DRIFTS.lower()
    report.drift.trajectories = 1
    assert trajectory_sentences.remarks_line(reading, True) == "One. Two."
    assert trajectory_sentences.remarks_line(SimpleNamespace(report=None, why="Too few."), True) == "Too few."


def test_a_bar_of_diffusion_coefficients_is_told():
    assert trajectory_sentences.bin_line(0.1, 0.25, 12, Units()) == "0.1 to 0.25 px²/frame: 12 trajectories"


@pytest.mark.parametrize(
    ("coefficient", "words"),
    [
        (0.517, "4: 3 detections in frames 2 to 4, D 0.517 px²/frame"),
        (None, "4: 3 detections in frames 2 to 4"),
    ],
)
def test_a_trajectory_is_told(coefficient, words):
    rows = pd.DataFrame({"frame": [2, 3, 4]})
    assert trajectory_sentences.particle_line(4, rows, coefficient, Units()) == words


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (trajectory_sentences.of_line(None, 6), "Of all 6 trajectories"),
        (trajectory_sentences.of_line(2, 1200), "Of 2 selected of 1,200 trajectories"),
        (trajectory_sentences.DRIFTS, "The particles drift in common. Tick Remove drift: D gains from it."),
        (trajectory_sentences.linking_line(Progress("linking frame 12", 0.5, 7.6)), "Linking frame 12, 8 s left"),
        (trajectory_sentences.linking_line(Progress("linking frame 59", 1.0, 0.0)), "Linking frame 59"),
        (sentences.saved_as_line("a/b.csv"), "Saved as a/b.csv."),
        (trajectory_sentences.opened_line(1), "Opened: 1 detection."),
        (trajectory_sentences.taken_back_line(300), "Taken back: 300 detections. Undo brings the others back."),
        (trajectory_sentences.empty_line("a.geff"), "a.geff holds no trajectories."),
        (trajectory_sentences.deletion((3,)), "delete 3"),
        (trajectory_sentences.deletion((3, 7)), "delete 2 trajectories"),
        (trajectory_sentences.splitting(3, 20), "split 3 at frame 20"),
        (trajectory_sentences.joining((6, 3)), "join 6, 3"),
        (trajectory_sentences.corrected_line("delete 3"), "Delete 3: done. Ctrl+Z undoes it."),
        (trajectory_sentences.undone_line("delete 3"), "Undone: delete 3."),
        (trajectory_sentences.redone_line("delete 3"), "Done again: delete 3."),
        (trajectory_sentences.HOW, "Click trajectories in the picture, or here."),
        (trajectory_sentences.STOPPED, "Stopped; nothing was changed."),
        (
            trajectory_sentences.NONE_LEFT,
            "No trajectory would be left. To have none, remove the layer from the list of layers.",
        ),
    ],
)
def test_what_is_done_with_trajectories_is_told(line, words):
    assert line == words


def test_motion_is_told_as_estimates_and_of_a_trap_only_where_it_is_asked_for():
    rng = np.random.default_rng(0)
    places = rng.normal(0, 0.5, (200, 2)).cumsum(0)
    table = pd.DataFrame({"frame": np.arange(200), "y": places[:, 0], "x": places[:, 1], "particle": 0})
    report = report_motion(table, trap=True)
    told = trajectory_sentences.numbers(report)
    assert {*told} == {*trajectory_sentences.NUMBERS}
    assert (told["D"], told["Trap"]) == (str(report.by_covariance.coefficient), str(report.trap.stiffness))
    assert "Trap" not in trajectory_sentences.numbers(report_motion(table))


# growing --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("plan", "words"),
    [
        (Plan.strided(), "of the whole; 74,468 weights, windows of 39 px"),
        (Plan.depth((), (4, 3), window=15), "Stages cost "),
        (Plan.breadth((2, 4), conv=1, repeat=2, window=15).until(1), " weights, windows of 15 px"),
    ],
)
def test_what_a_plan_costs_is_told(plan, words):
    line = grow_sentences.plan_line(plan)
    assert words in line
    assert line.startswith("Stages cost ") == (plan.stages > 1)


@pytest.mark.parametrize(
    ("minutes", "together", "given", "words"),
    [
        (None, True, 0, "One stage after the other, each on "),
        (5.0, True, 0, "All stages learn at once for 5 min; they can be tried in the Track panel after a quarter."),
        (6.0, False, 0, "Each stage learns for 2 min, and can be tried in the Track panel then."),
        (1.5, False, 0, "Each stage learns for 30 s, and can be tried in the Track panel then."),
        (1.0, True, 2, "The new stage learns for 1 min."),
    ],
)
def test_how_stages_learn_is_told(minutes, together, given, words):
    assert grow_sentences.schedule_line(minutes, together, small_card().plan, given).startswith(words)


def test_the_thesis_schedule_is_told_with_what_it_takes():
    line = grow_sentences.schedule_line(None, True, None)
    assert numbers_in(line) == [round(Schedule.thesis().images_per_stage / 1e6, 1)]
    assert line.endswith(" million windows: an hour or more.")


@pytest.mark.parametrize(
    ("progress", "error", "bound", "words"),
    [
        (
            MakingProgress("growing stage 2, loss 1.0", 0.75, 30.0, (2,)),
            0.41,
            0.3,
            ": 0.41 px (bound 0.30 px), 30 s left",
        ),
        (MakingProgress("growing stage 2, loss 1.0", 0.75, 30.0, (2,)), 0.41, None, ": 0.41 px, 30 s left"),
        (MakingProgress("growing stage 2, loss 1.0", 0.0, np.inf, (2,)), None, None, ""),
    ],
)
def test_what_is_being_grown_is_told(progress, error, bound, words):
    assert grow_sentences.making_line(progress, error, bound) == f"Growing stage 2{words}"


@pytest.mark.parametrize(
    ("doing", "seconds", "words"),
    [("calibrating", 12.0, "Finding thresholds, 12 s left"), ("measuring", 0.0, "Measuring what it reaches")],
)
def test_what_comes_after_growing_is_told(doing, seconds, words):
    assert grow_sentences.making_line(MakingProgress(doing, 0.5, seconds), None, 0.3) == words


@pytest.mark.parametrize(
    ("errors", "words", "kind"),
    [
        (
            {1: 2.0, 2: 1.9},
            " Stage 2: 1.90 px (bound 0.30 px). That is far from the bound: grow it for longer, or begin with it and "
            "grow it further.",
            "warning",
        ),
        (
            {1: 0.36, 2: 0.42},
            " Stage 2: 0.42 px (bound 0.30 px). Stage 1 is better: 0.36 px. Grow it for longer, or track with that.",
            "warning",
        ),
        ({1: 0.5, 2: 0.36}, " Stage 2: 0.36 px (bound 0.30 px).", "plain"),
        ({}, "", "plain"),
    ],
)
def test_what_a_network_reached_is_told_as_it_is(errors, words, kind):
    assert grow_sentences.outcome_line("mine", errors, 0.3) == (f"mine is grown and saved.{words}", kind)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (grow_sentences.unfinished_line("mine"), "mine is not finished: press Go on growing to take it up."),
        (grow_sentences.paused_line("mine"), "Paused. mine goes on from here when you press Resume."),
        (
            grow_sentences.stopped_line("mine", grown=True),
            "Stopped. What was grown of mine is kept, and listed under Unfinished.",
        ),
        (grow_sentences.stopped_line("mine", grown=False), "Stopped before anything was grown."),
        (grow_sentences.failed_line("Odd."), "Odd. What was grown is kept: press Resume to go on from there."),
        (grow_sentences.discard_question("mine"), "Throw away what was grown of mine? This cannot be undone."),
        (grow_sentences.discarded_line("mine"), "mine was discarded."),
        (grow_sentences.GROWS_ALREADY, "A network is growing already. Stop it first, or wait until it is done."),
    ],
)
def test_what_is_done_with_growing_networks_is_told(line, words):
    assert line == words


# track ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (track_sentences.NO_FILM, "Open a film first (File > Open, or File > Open Sample > GrowTrack)"),
        (track_sentences.NO_NETWORK, "Choose a network first."),
        (track_sentences.NOTHING_YET, "Nothing found yet: turn on the live preview, or track."),
        (track_sentences.NOTHING_SHARED, "These two runs have no frame in common. Choose two of the same image."),
        (track_sentences.loading_line("small"), "Loading the network small..."),
        (track_sentences.range_words(0, 5, whole=True), "Track all frames"),
        (track_sentences.range_words(2, 3, whole=False), "Track frames 2 to 3"),
        (
            track_sentences.accepted_line(2, 1200, track_sentences.in_frame(3)),
            "2 of 1,200 candidates accepted in frame 3",
        ),
        (track_sentences.accepted_line(0, 12, track_sentences.in_run(1)), "0 of 12 candidates accepted in run 1"),
        (track_sentences.accepted_line(0, 12, track_sentences.in_run(1), 0.0), "0 of 12 candidates accepted in run 1"),
        (
            track_sentences.accepted_line(900, 1200, track_sentences.in_run(2), 4.2),
            "900 of 1,200 candidates accepted in run 2; about 4 of them noise",
        ),
        (
            track_sentences.compared_line(track_sentences.Compared((1, 2), 3, 6, 0.0, (0, 1))),
            "Runs 1 and 2, 3 frames: 6 detections in both, 0.00 px apart (median); 0 only in run 1, 1 only in run 2",
        ),
        (
            track_sentences.compared_line(track_sentences.Compared((1, 4), 1200, 0, np.nan, (7, 1))),
            "Runs 1 and 4, 1,200 frames: 0 detections in both; 7 only in run 1, 1 only in run 4",
        ),
        (
            track_sentences.edited_line("film detections"),
            "film detections was edited by hand, so thresholds do not change it any more.",
        ),
        (
            track_sentences.gone_line("film", 1),
            "The image film is not there any more. Open it again to see run 1.",
        ),
        (track_sentences.restored_line(2), "The settings of run 2 are chosen again."),
        (
            track_sentences.saved_line(1200, "a/b.csv"),
            "Saved 1,200 detections as a/b.csv, their settings beside it.",
        ),
    ],
)
def test_what_is_tracked_is_told(line, words):
    assert line == words


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (StackError("Frame 3 of film is odd."), "Frame 3 of film is odd."),
        (
            RuntimeError("odd"),
            "This stopped by an error that was not foreseen (RuntimeError: odd). Please report it.",
        ),
    ],
)
def test_why_something_failed_is_told(error, words):
    assert sentences.reason(error) == words


# simulating -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (simulate_sentences.picture_words(11, 200, 100, 3.14), "11 particles\nin 200 x 100 px\nSNR 3.1"),
        (simulate_sentences.picture_words(0, 200, 100, None), "0 particles\nin 200 x 100 px"),
        (simulate_sentences.kind_words(2, 3), "Kind 2 of 3"),
        (simulate_sentences.bystanders_line(2), "and 2 kinds of bystanders, kept as they are"),
        (simulate_sentences.bystanders_line(0), ""),
        (simulate_sentences.saved_line("a/b.json"), "Saved a/b.json"),
        (simulate_sentences.used_line("beads"), "The Grow panel grows on beads now."),
        (simulate_sentences.frame_line(FilmProgress(12, 5000, 7.6)), "Frame 12 of 5000, 8 s left"),
        (simulate_sentences.made_line(4, 64, 80, 1), "Made 4 frames of 64 x 80 px with 1 particle."),
        (
            simulate_sentences.vast_line(10_000, (1000, 800), 40_000_000_000, 1_250_000_000),
            "10,000 frames of 1000 x 800 px take 40 GB, more than half of the 1.2 GB of memory that are free. "
            "Make fewer frames, or smaller ones.",
        ),
        (simulate_sentences.residual_line(0.94), "What the fits leave is 0.9 times the noise; 1 is perfect."),
        (
            simulate_sentences.levels_line(1234.56, 7),
            "An intensity of 1 in the scene stands for 1235 in the film, a level of 0 for 7.",
        ),
        (simulate_sentences.NO_FILM, "Open a film to match first (File > Open)."),
        (
            simulate_sentences.NO_CLICKS,
            "No particle is clicked yet. Press Click particles, and click 3 to 10 of them in the film, "
            "or Match without clicks.",
        ),
        (simulate_sentences.CLICK, "Click 3 to 10 particles; the match follows."),
        (simulate_sentences.MATCHED, "Matched. Judge by the pictures, or move the sliders to mend it."),
        (simulate_sentences.STOPPED, "Stopped; no frame was kept."),
    ],
)
def test_what_is_simulated_and_matched_is_told(line, words):
    assert line == words

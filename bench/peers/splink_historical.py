"""Splink on historical_50k with the settings its own documentation publishes for this
data set, judged by the same figures as ours. Prints `name value unit`.

usage: splink_historical.py historical_50k.csv    (pip install splink pandas)

Splink's clusters are connected components of pairs over a match probability; its example
uses 0.95. The best threshold by the truth is printed too, to be generous to it.
"""
import logging
import sys
import time

import pandas as pd

import splink.comparison_library as cl
from splink import DuckDBAPI, Linker, SettingsCreator, block_on

logging.disable(logging.CRITICAL)

BLOCKS = [
    ("substr(first_name,1,3)", "substr(surname,1,4)"),
    ("surname", "dob"),
    ("first_name", "dob"),
    ("postcode_fake", "first_name"),
    ("postcode_fake", "surname"),
    ("dob", "birth_place"),
    ("substr(postcode_fake,1,3)", "dob"),
    ("substr(postcode_fake,1,3)", "first_name"),
    ("substr(postcode_fake,1,3)", "surname"),
    ("substr(first_name,1,2)", "substr(surname,1,2)", "substr(dob,1,4)"),
]
PUBLISHED_THRESHOLD = 0.95


def frame(result):
    if hasattr(result, "as_pandas_dataframe"):
        return result.as_pandas_dataframe()
    return pd.DataFrame(result.as_record_list())


def trained_linker(people):
    api = DuckDBAPI()
    people = people.copy()
    people["first_name_surname_concat"] = people["first_name"] + " " + people["surname"]
    settings = SettingsCreator(
        link_type="dedupe_only",
        blocking_rules_to_generate_predictions=[block_on(*b) for b in BLOCKS],
        comparisons=[
            cl.ForenameSurnameComparison(
                "first_name", "surname",
                forename_surname_concat_col_name="first_name_surname_concat"),
            cl.DateOfBirthComparison("dob", input_is_string=True),
            cl.PostcodeComparison("postcode_fake"),
            cl.ExactMatch("birth_place").configure(term_frequency_adjustments=True),
            cl.ExactMatch("occupation").configure(term_frequency_adjustments=True),
        ])
    linker = Linker(api.register(people) if hasattr(api, "register") else people, settings)
    linker.training.estimate_probability_two_random_records_match(
        [block_on("first_name", "surname", "dob"),
         block_on("substr(first_name,1,2)", "surname", "substr(postcode_fake,1,2)"),
         block_on("dob", "postcode_fake")], recall=0.6)
    linker.training.estimate_u_using_random_sampling(max_pairs=1e7)
    for rule in (block_on("first_name", "surname"), block_on("dob")):
        linker.training.estimate_parameters_using_expectation_maximisation(
            rule, estimate_without_term_frequencies=True)
    return linker


def pairs(sizes):
    return int((sizes * (sizes - 1) // 2).sum())


def judge(people, clusters):
    m = people[["unique_id", "cluster"]].merge(
        clusters[["unique_id", "cluster_id"]], on="unique_id")
    both = m.groupby(["cluster", "cluster_id"]).size().reset_index(name="n")
    found, truth = m.cluster_id.value_counts(), m.cluster.value_counts()
    right = pairs(both.n)
    precision, recall = right / pairs(found), right / pairs(truth)
    b_precision = (both.n ** 2 / both.cluster_id.map(found)).sum() / len(m)
    b_recall = (both.n ** 2 / both.cluster.map(truth)).sum() / len(m)
    return {
        "f1": 2 * precision * recall / (precision + recall), "precision": precision,
        "recall": recall,
        "bcubed_f1": 2 * b_precision * b_recall / (b_precision + b_recall)}


def main():
    people = pd.read_csv(sys.argv[1], dtype=str)
    start = time.monotonic()
    linker = trained_linker(people)
    predicted = linker.inference.predict(threshold_match_probability=0.01)
    seconds, best = None, 0.0
    for threshold in (PUBLISHED_THRESHOLD, 0.5, 0.8, 0.9, 0.93, 0.97, 0.99):
        clusters = frame(linker.clustering.cluster_pairwise_predictions_at_threshold(
            predicted, threshold_match_probability=threshold))
        if seconds is None:
            seconds = time.monotonic() - start
        figures = judge(people, clusters)
        best = max(best, figures["f1"])
        if threshold == PUBLISHED_THRESHOLD:
            for name, value in figures.items():
                print(f"splink_historical_50k_{name} {value:.5f} ratio")
    print(f"splink_historical_50k_f1_best_threshold {best:.5f} ratio")
    print(f"splink_historical_50k_seconds {seconds:.3f} s")


if __name__ == "__main__":
    main()

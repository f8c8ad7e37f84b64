"""The dictionary of CTCAE v5.0: every term is found however it is written, and free words only bring suggestions.

837 terms in 26 system organ classes is what CTCAE v5.0 (November 2017) has; how many each class has was counted in a
list of its terms that was made apart from this table. The phrases are what sites write; the terms
beside them are what a safety physician would expect to be offered.
"""

import csv
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from safety_stream.rulebook.load import load_book

BOOK = load_book(allow_unsigned=True)
TERMS = sorted(BOOK.terms.values(), key=lambda term: term.code)
HERE = Path(__file__).resolve()
FOUND = [
    path
    for parent in list(HERE.parents)[2:5]
    if (path := parent / "shared" / "reference" / "ctcae_v5_terms.csv").is_file()
]

CLASSES = {
    "Blood and lymphatic system disorders": 12,
    "Cardiac disorders": 34,
    "Congenital, familial and genetic disorders": 1,
    "Ear and labyrinth disorders": 8,
    "Endocrine disorders": 14,
    "Eye disorders": 26,
    "Gastrointestinal disorders": 122,
    "General disorders and administration site conditions": 25,
    "Hepatobiliary disorders": 18,
    "Immune system disorders": 6,
    "Infections and infestations": 88,
    "Injury, poisoning and procedural complications": 79,
    "Investigations": 42,
    "Metabolism and nutrition disorders": 26,
    "Musculoskeletal and connective tissue disorders": 44,
    "Neoplasms benign, malignant and unspecified (incl cysts and polyps)": 7,
    "Nervous system disorders": 68,
    "Pregnancy, puerperium and perinatal conditions": 4,
    "Psychiatric disorders": 21,
    "Renal and urinary disorders": 23,
    "Reproductive system and breast disorders": 49,
    "Respiratory, thoracic and mediastinal disorders": 62,
    "Skin and subcutaneous tissue disorders": 39,
    "Social circumstances": 1,
    "Surgical and medical procedures": 1,
    "Vascular disorders": 17,
}
GRADES = [
    ("Alopecia", (1, 2)),
    ("Nausea", (1, 2, 3)),
    ("Fatigue", (1, 2, 3)),
    ("Sepsis", (3, 4, 5)),
    ("Leukocytosis", (3, 4, 5)),
    ("Death NOS", (5,)),
    ("Febrile neutropenia", (3, 4, 5)),
    ("Neutrophil count decreased", (1, 2, 3, 4)),
    ("Cytokine release syndrome", (1, 2, 3, 4, 5)),
    ("Hypermagnesemia", (1, 3, 4, 5)),
    ("Lymphocyte count increased", (2, 3)),
    ("Anaphylaxis", (3, 4, 5)),
]


def test_the_terms_of_each_class() -> None:
    """How many terms each of the 26 system organ classes has."""
    counted = Counter(term.soc for term in TERMS)
    assert len(CLASSES) == 26
    assert sum(CLASSES.values()) == 837
    assert dict(counted) == CLASSES


@pytest.mark.parametrize(("name", "grades"), GRADES)
def test_the_grades_of_known_terms(name: str, grades: tuple[int, ...]) -> None:
    """Which grades a term has, as NCI prints them."""
    term = BOOK.term(name)
    assert term is not None
    assert term.grades == grades


@pytest.mark.skipif(not FOUND, reason="the list of terms made apart from this table is not here")
def test_every_term_agrees_with_a_list_made_apart() -> None:
    """Code, name, class and grades of all 837 terms, beside a list that was not made from this table."""
    with FOUND[0].open(encoding="utf-8", newline="") as lines:
        apart = {
            row["meddra_code"]: (row["term"], row["soc"], row["grades_available"], row["is_other_specify"] == "y")
            for row in csv.DictReader(lines)
        }
    ours = {
        term.code: (term.name, term.soc, ",".join(map(str, term.grades)), term.specify) for term in BOOK.terms.values()
    }
    assert ours == apart


def test_every_term_is_found_by_its_code_and_in_every_way_it_is_written() -> None:
    """Case, double spaces, hyphens and commas for spaces, a NOS at the end: all 837 terms, and by MedDRA code."""
    for term in TERMS:
        name = term.name
        written = [name, name.upper(), name.lower(), f"  {name.replace(' ', '  ')} ", name.replace(" ", "-"),
                   name.replace("-", " "), name.replace(",", ""), f"{name}, NOS", f"{name} nos"]  # fmt: skip
        assert [BOOK.term(one) for one in written] == [term] * len(written), name
        assert BOOK.term(term.code) is term


# What sites write, and the term that must be among the three that are offered.
PHRASES = [
    ("low ANC", "Neutrophil count decreased"),
    ("ANC 0.3", "Neutrophil count decreased"),
    ("neutropenia", "Neutrophil count decreased"),
    ("Grade 4 Neutropenia", "Neutrophil count decreased"),
    ("neutropaenia", "Neutrophil count decreased"),
    ("febrile neutropaenia", "Febrile neutropenia"),
    ("thrombocytopenia", "Platelet count decreased"),
    ("low platelets", "Platelet count decreased"),
    ("platelet count low", "Platelet count decreased"),
    ("anaemia", "Anemia"),
    ("Hb decreased", "Anemia"),
    ("leucopenia", "White blood cell decreased"),
    ("low white blood cell count", "White blood cell decreased"),
    ("lymphopenia", "Lymphocyte count decreased"),
    ("pancytopenia", "Bone marrow hypocellular"),
    ("DIC", "Disseminated intravascular coagulation"),
    ("transaminases elevated", "Alanine aminotransferase increased"),
    ("raised LFTs", "Alanine aminotransferase increased"),
    ("elevated liver enzymes", "Aspartate aminotransferase increased"),
    ("GPT increased", "Alanine aminotransferase increased"),
    ("SGOT increased", "Aspartate aminotransferase increased"),
    ("hyperbilirubinaemia", "Blood bilirubin increased"),
    ("jaundice", "Blood bilirubin increased"),
    ("raised creatinine", "Creatinine increased"),
    ("acute renal failure", "Acute kidney injury"),
    ("hypokalaemia", "Hypokalemia"),
    ("low potassium", "Hypokalemia"),
    ("low sodium", "Hyponatremia"),
    ("high blood sugar", "Hyperglycemia"),
    ("high blood pressure", "Hypertension"),
    ("BP low", "Hypotension"),
    ("tachycardia", "Sinus tachycardia"),
    ("prolonged QTc", "Electrocardiogram QT corrected interval prolonged"),
    ("heart attack", "Myocardial infarction"),
    ("deep vein thrombosis left leg", "Thromboembolic event"),
    ("pyrexia", "Fever"),
    ("fevers", "Fever"),
    ("temperature raised", "Fever"),
    ("cytokine storm", "Cytokine release syndrome"),
    ("CRS", "Cytokine release syndrome"),
    ("cytokine release syndrom", "Cytokine release syndrome"),
    ("ICANS", "Encephalopathy"),
    ("infusion reaction", "Infusion related reaction"),
    ("rigors", "Chills"),
    ("septicaemia", "Sepsis"),
    ("pneumonia", "Lung infection"),
    ("UTI", "Urinary tract infection"),
    ("cold", "Upper respiratory infection"),
    ("herpes zoster", "Shingles"),
    ("CMV reactivation", "Cytomegalovirus infection reactivation"),
    ("convulsions", "Seizure"),
    ("confused", "Confusion"),
    ("word finding difficulty", "Dysphasia"),
    ("drowsiness", "Somnolence"),
    ("headach", "Headache"),
    ("shortness of breath", "Dyspnea"),
    ("dyspnoea on exertion", "Dyspnea"),
    ("low oxygen", "Hypoxia"),
    ("nosebleed", "Epistaxis"),
    ("vomitting", "Vomiting"),
    ("nausia", "Nausea"),
    ("diarrhoea", "Diarrhea"),
    ("loose stools", "Diarrhea"),
    ("mouth ulcers", "Mucositis oral"),
    ("loss of appetite", "Anorexia"),
    ("skin rash", "Rash maculo-papular"),
    ("itching", "Pruritus"),
    ("hair loss", "Alopecia"),
    ("joint pain", "Arthralgia"),
    ("muscle aches", "Myalgia"),
    ("asthenia", "Fatigue"),
    ("tired", "Fatigue"),
    ("oedema of legs", "Edema limbs"),
    ("lupus flare", "Autoimmune disorder"),
]


@pytest.mark.parametrize(("written", "expected"), PHRASES)
def test_words_of_sites_bring_the_term_among_three(written: str, expected: str) -> None:
    """A safety physician finds the term that was meant among the three that the question offers (G25)."""
    assert expected in [term.name for term in BOOK.suggest(written, 3)]


def test_a_suggestion_is_never_a_match() -> None:
    """Only a name or a code is a term; "low ANC" and its like stay a question, all of the phrases that are no name."""
    names = {term.name.casefold() for term in TERMS}
    assert [written for written, _ in PHRASES if written.casefold() not in names and BOOK.term(written)] == []


@given(text=st.text(max_size=60))
def test_any_text_brings_at_most_three_terms_and_no_error(text: str) -> None:
    """Whatever is written: known terms, each once."""
    found = BOOK.suggest(text, 3)
    assert len(found) <= 3
    assert len(set(found)) == len(found)

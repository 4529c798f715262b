"""Names, streets and telephone ranges of the locales the corpus speaks."""

NAMES: dict[str, tuple[str, str]] = {
    "US": ("James Mary Linda Robert Jennifer Michael Denise Tyrone", "Walker Johnson Ramirez Thompson O'Brien Hayes"),
    "GB": ("Oliver Amelia Harry Isla Nigel Gemma Rhys", "Whitfield Hughes Clarke Pemberton MacLeod Okafor"),
    "DE": ("Jürgen Anna Lukas Heike Björn Sabine", "Müller Schneider von-Bergen Weiß Krüger Hoffmann"),
    "FR": ("Élodie Jean-Luc Camille Thierry Agnès Mathieu", "Lefèvre Moreau Dubois Garnier d'Aubigné Petit"),
    "ES": ("José Lucía Íñigo Carmen Álvaro Pilar", "García-Núñez Fernández Ortega Ibáñez Castaño"),
    "IT": ("Giulia Marco Chiara Niccolò Fabrizio Ilaria", "Rossi Bianchi D'Angelo Esposito Colombo"),
    "JP": ("Haruto Yui Kenji Sakura Takumi", "Tanaka Sato Watanabe Kobayashi Ishikawa"),
    "IN": ("Priya Arjun Lakshmi Rahul Ananya", "Sharma Iyer Chatterjee Reddy Banerjee"),
    "BR": ("João Beatriz Thiago Conceição Rafael", "Silva Gonçalves Araújo Oliveira Carvalho"),
    "AU": ("Lachlan Matilda Darcy Kirra Bruce", "Fitzgerald Nguyen Bennett Papadopoulos Kelly"),
    "CA": ("Étienne Madison Liam Geneviève Kayla", "Tremblay MacDonald Gagnon Singh Roy-Lavoie"),
    "SG": ("Wei-Ling Arif Jun-Hao Mei Siti", "Tan Lim Rahman Goh Krishnan"),
}
"""Given names and family names."""

ADDRESSES: dict[str, tuple[str, str, str]] = {
    "US": ("{n} Maple Avenue Apt {k}|{n} SW 4th Street|{n} Old Mill Rd", "Portland", "97201"),
    "GB": ("{n} Church Lane|Flat {k}, {n} Kings Road|{n}b Station Road", "Leeds", "LS1 4AP"),
    "DE": ("Lindenstraße {n}|Am Mühlbach {n}a|Karl-Marx-Allee {n}", "Leipzig", "04109"),
    "FR": ("{n} rue des Lilas|{n} bis avenue Foch|{n}, boulevard Voltaire", "Lyon", "69003"),
    "ES": ("Calle Mayor {n}, {k}º B|Avda. de la Constitución, {n}|Plaza Nueva {n}", "Sevilla", "41001"),
    "IT": ("Via Garibaldi {n}|Corso Umberto I, {n}|Piazza Dante {n}/B", "Torino", "10121"),
    "JP": ("{k}-{n}-3 Nishi-Shinjuku|{k}-chome {n}-2 Sakae", "Nagoya", "460-0008"),
    "IN": ("{n}, MG Road, {k}th Cross|Flat {n}, Green Park Extension", "Pune", "411001"),
    "BR": ("Rua das Flores, {n} apto {k}|Av. Paulista, {n}", "Curitiba", "80010-000"),
    "AU": ("{n} Wattle Street|Unit {k}/{n} Bourke St", "Adelaide", "5000"),
    "CA": ("{n} Rue Saint-Denis|{k}-{n} Dundas Street W", "Montréal", "H2X 1K4"),
    "SG": ("Blk {n} Ang Mo Kio Ave 3 #0{k}-12|{n} Orchard Road", "Singapore", "238801"),
}
"""Street forms by `|`, a town, a post code."""

PHONES: dict[str, tuple[str, dict[str, str]]] = {
    "US": (
        "1",
        dict.fromkeys(("2125550###", "4155550###", "6175550###"), "({:3}) {:3}-{:4}|{:3}-{:3}-{:4}|{:3}.{:3}.{:4}"),
    ),
    "CA": ("1", dict.fromkeys(("4165550###", "5145550###", "6045550###"), "({:3}) {:3}-{:4}|{:3}-{:3}-{:4}")),
    "GB": ("44", {"207123####": "0{:2} {:4} {:4}", "161850####": "0{:3} {:3} {:4}", "791112####": "0{:4} {:6}"}),
    "DE": ("49", {"3023125###": "0{:2} {:8}|0{:2}/{:8}", "4066969###": "(0{:2}) {:8}", "15123456###": "0{:3} {:8}"}),
    "FR": ("33", dict.fromkeys(("612######", "142######"), "0{:1} {:2} {:2} {:2} {:2}|0{:1}.{:2}.{:2}.{:2}.{:2}")),
    "ES": ("34", dict.fromkeys(("912######", "612######", "934######"), "{:3} {:3} {:3}|{:3} {:2} {:2} {:2}")),
    "IT": ("39", dict.fromkeys(("347#######", "338#######", "320#######"), "{:3} {:7}|{:3} {:3} {:4}")),
    "JP": ("81", {"902#######": "0{:2}-{:4}-{:4}", "803#######": "0{:2}-{:4}-{:4}", "352######": "0{:1}-{:4}-{:4}"}),
    "IN": ("91", dict.fromkeys(("98########", "99########"), "0{:5} {:5}|{:5} {:5}|{:5}-{:5}")),
    "BR": ("55", dict.fromkeys(("1198#######", "2197#######", "4199#######"), "({:2}) {:5}-{:4}|{:2} {:5} {:4}")),
    "AU": ("61", {"491570###": "0{:3} {:3} {:3}", "255504###": "(0{:1}) {:4} {:4}", "370101###": "(0{:1}) {:4} {:4}"}),
    "SG": ("65", dict.fromkeys(("812#####", "912#####", "622#####"), "{:4} {:4}")),
}
"""Country code; per range, without the trunk zero and with # for any digit, how people there write it."""

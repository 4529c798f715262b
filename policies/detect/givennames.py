"""Given names: where a key says `name` and no more, a value counts that begins with one of them.

Source: what registrars publish of names given to newborns (US SSA, UK ONS, GfdS, INSEE, INE, ISTAT, IBGE, SVB, ABS
and others), and the names common in South and East Asia in Latin letters; accents are left out. Names that are words,
months, stones, towns or countries as well (May, Mark, Grant, Ruby, Florence, Jordan, Victoria) are missing on purpose.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from policies.detect.wording import words

_NAMES: Final = words(
    """
    aaron abdul abdullah abigail adam adrian adriana agata agnes agnieszka ahmad ahmed aiko aisha akira alain alan
    alana albert alberto alejandra alejandro aleksandr aleksandra alessandra alessandro alessia alex alexander
    alexandra alexandre alexei alexis alfonso alfred alfredo ali alice alicia alina alison allison alvaro alvin
    alyssa amanda amelia amelie amina amir amit amy ana ananya anastasia anders andrea andreas andrei andres
    andrew andrzej angela angelika angelo anil anita anja anke ankit ann anna annabelle anne annette annika
    anthony antoine anton antonella antonia antonio antti anya apinya ariana arif arjun armando arnaud arthur
    arturo arun asha ashok astrid ayesha ayse aziz barbara barbora beata beatrice beatriz ben benedikt benjamin
    benoit bernard bernd bettina beverly birgit bjorn bogdan boris brandon brenda brendan brian bridget brigitte
    britta bruce bruno bryan caitlin camila camilla camille carl carla carlo carlos carmen carol carole caroline
    catalina caterina catherine cecile cecilia celine charles charlie chiara chloe chris christa christiane
    christina christine christoph christophe christopher cindy claire clara claudia claudio claus clement colin
    conceicao concepcion connor corinna craig cristian cristina cynthia dagmar damien daniel daniela daniele
    danielle danny daria dario darius darren david davide deborah debra deepak deepika denis denise dennis derek
    devon diana diane diego dieter dimitri dirk dmitry dominik dominique donald donna dora doris dorothea dorothy
    douglas dylan eduardo edward edwin eileen elaine eleanor elena eleonora eliana elias elif elisa elisabeth
    elise elizabeth elke ella ellen elodie emanuele emilia emilie emily emma emmanuel enrico enrique enzo eric
    erica erik erika erin ernst esteban esther ethan etienne eugene eva evelyn fabian fabien fabio fabrizio fatima
    federica federico felicia felipe felix fernanda fernando filip filippo fiona florian francesca francesco
    francine francisca francisco francois francoise franz franziska frederic frederick friederike friedrich
    gabriel gabriela gabriele gabriella ganesh gareth gary gavin gemma genevieve geoffrey georg george georges
    gerald gerard gerhard giacomo gianluca gilles gina giorgio giovanna giovanni giulia giuseppe gloria gonzalo
    gordon graham grazyna greg gregor gregory greta guido guillaume guillermo gunter gunther gustav gustavo hannah
    hannes hans harald harriet harry haruka haruto harvey hassan heather hector heidi heike heiko heinrich helen
    helena helene helga helmut henri henrik henry herbert hermann hideo hiroshi holger horst howard hubert hugo
    hussein ian ibrahim ida igor ilaria ines inge ingrid inigo irena irene irina isabel isabella isabelle isla
    ismail ivan ivana jack jackie jacob jacqueline jacques jakob jakub james jamie jan jana jane janet janice
    janine jasmin jason javier jean jeanne jeff jeffrey jens jeremy jerome jessica jill jim jimmy jin joachim joan
    joana joanna joanne joao joaquin jochen joe joel joerg johan johann johanna johannes john johnny jon jonas
    jonathan jorg jorge jose josef josefine joseph josephine joshua juan juana judith judy julia julian juliana
    julie julien juliette julio jun jurgen justin justyna kaito karen karim karin karina karl karolina kasia
    katarina katarzyna kate katharina katherine kathleen kathryn kathy katie katja katrin kavita kayla kazuki
    keiko keith kelly ken kenji kenneth kerstin kevin khalid kim kimberly kirsten klaus konrad kristen kristian
    kristin kristina krzysztof kumar kurt kyle lachlan laila lakshmi larry lars laura lauren laurence laurent lea
    leah leila lena leo leon leonardo leonie leslie leticia liam lidia lina linda ling lisa lorena lorenzo
    lorraine lothar louis louise luc luca lucas lucia luciana lucie lucy ludwig luigi luis luisa lukas luke lynn
    maarten magdalena mahesh malgorzata manfred manuel manuela marc marcel marcela marcelo marco marcos marcus
    margaret margarita margot maria mariana marianne marie mariko mario marion marjorie markus marlene marta
    martha martin martina martine masako mateo mateusz mathias mathieu mathilde matilda matteo matthew matthias
    matthieu maurice mauricio maurizio maximilian megan mehmet melanie melissa mia michael michal michel michela
    michele michelle miguel mihai mika mikael mike milan mina ming miriam mitchell mohamed mohammad mohammed molly
    monica monika monique morgane moritz muhammad mustafa nadia nadine nancy naoko naomi natalia natalie natasha
    nathalie nathan neha neil nelson niccolo nicholas nick nicola nicolas nicole nigel nikita niklas nikolai nils
    nina nisha noah noelle nora norbert norman nuria olaf oleg olga oliver olivia olivier omar oscar oskar otto
    pablo pamela paola paolo pascal patricia patrick patrizia paul paula paulina pauline paulo pawel pedro peggy
    peter petra philip philipp philippe phillip phyllis pierre pieter pietro pilar pooja pradeep priya rachel
    rafael raffaele rahul rainer rajesh ralf ralph ramesh ramon raquel rashid raul ravi raymond rebecca regina
    reinhard rekha renata renate renato rhys ricardo riccardo richard rita robert roberta roberto rodrigo roger
    rohit roland rolf romain roman ronald rosa rosalie rosario rosemary roxanne ruben rudolf russell ruth ryan
    sabine sabrina sakura salim sally salma salvatore sam samantha samir samuel sandra sanjay sara sarah sascha
    satoshi scott sean sebastian sebastien serge sergei sergio shane shannon sharon shaun sheila shirley shreya
    sibylle silke silvia simon simona simone siti sofia sonia sonja sophia sophie stefan stefania stefanie stefano
    stella stephan stephane stephanie stephen steve steven stuart sunil sunita susan susana susanne suzanne sven
    svetlana sylvia sylvie takashi takeshi takumi tamara tania tanja tara tatiana teresa terrence thea theo
    theodore theresa therese thiago thierry thomas thorsten tiffany tim timo timothy tobias todd tom tomas tomasz
    tommaso toni tony torsten tracy trevor tristan tyler tyrone udo ulrich ulrike umberto ursula usha uta uwe
    valentin valentina valeria valerie vanessa vera veronica veronika vicente victor vijay vikram viktor vincent
    vincenzo vishal vladimir volker walter waltraud wanda wei wendy werner wesley wilhelm willem william wolfgang
    xavier ximena yan yann yannick yasmin yoko yosef yui yuki yuko yusuf yves yvonne zachary zeynep zhang zoe
    zofia zuzanna
    """
)
_PARTS: Final = re.compile(r"[^\W\d_]+")
_ACCENTS: Final = re.compile(r"[\u0300-\u036f]+")


def begins_with_one(name: str) -> bool:
    """Whether the first word is a given name, or one in its first part (`Jean-Luc`); after a comma it may stand too."""
    plain = _ACCENTS.sub("", unicodedata.normalize("NFKD", name.lower()))
    family, comma, given = plain.partition(", ")
    found = _PARTS.match(given if comma else family)
    return found is not None and found[0] in _NAMES

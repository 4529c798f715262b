"""Words of keys that speak of a person's name, of where one lives, and of when one was born. Accents do not matter."""

from __future__ import annotations

from typing import Final

from policies.detect.wording import words


def _pairs(firsts: str, seconds: str) -> tuple[frozenset[str], ...]:
    return tuple(frozenset({first, second}) for first in firsts.split() for second in seconds.split())


def _singles(words: str) -> tuple[frozenset[str], ...]:
    return tuple(frozenset({word}) for word in words.split())


_HOLDERS: Final = """
    patient employee passenger cardholder holder recipient addressee beneficiary applicant candidate guest student
    pupil teacher doctor physician nurse spouse husband wife mother father parent child guardian sibling relative
    subscriber borrower insured policyholder payer payee debtor signer signatory signee cosigner guarantor traveler
    traveller attendee contact author employer caregiver claimant defendant plaintiff complainant respondent voter
    citizen nominee witness friend person human customer client consignee shipper supervisor colleague coworker kin
    requester requestor taxpayer shareholder trustee heir donor volunteer invitee instructor tutor professor lecturer
    trainee learner surgeon dentist therapist clinician practitioner prescriber pharmacist lawyer attorney solicitor
    notary juror suspect victim landlord lessee lessor renter visitor occupant resident mentor mentee chairman
    chairperson founder organizer organiser interviewer interviewee bride groom deceased recruiter salesperson
    housekeeper neighbor neighbour
"""
_ELSEWHERE: Final = (
    (
        "name",
        """
        kunde patient mitarbeiter inhaber karteninhaber kontoinhaber empfänger fahrgast versicherter absender
        antragsteller ansprechpartner steuerpflichtiger geschäftsführer lehrer arzt vermieter mieter käufer zahler
        begünstigter unterzeichner gast schüler angestellter sachbearbeiter bewerber erbe bürge
        """,
    ),
    (
        "nom",
        """
        client patient employé titulaire contact passager destinataire famille naissance complet assuré demandeur
        contribuable locataire propriétaire bénéficiaire payeur signataire médecin professeur élève enseignant
        dirigeant gérant directeur acheteur candidat invité usage
        """,
    ),
    (
        "nombre",
        """
        cliente paciente empleado titular contacto pasajero destinatario completo pila beneficiario solicitante
        contribuyente inquilino propietario pagador firmante médico profesor alumno director gerente comprador
        asegurado huésped candidato remitente trabajador
        """,
    ),
    (
        "nome",
        """
        cliente paziente dipendente intestatario passeggero destinatario contatto completo battesimo richiedente
        contribuente inquilino proprietario pagatore firmatario medico insegnante studente amministratore direttore
        acquirente assicurato ospite candidato mittente funcionário titular passageiro destinatário contato mãe pai
        beneficiário solicitante contribuinte paciente proprietário pagador signatário médico professor aluno
        diretor gerente comprador segurado hóspede remetente trabalhador
        """,
    ),
    (
        "naam",
        """
        klant patiënt medewerker werknemer houder ontvanger passagier volledige aanvrager belastingplichtige huurder
        eigenaar leraar leerling directeur koper verzekerde gast contactpersoon afzender
        """,
    ),
)
NAMES: Final = (
    *_pairs("first last full middle given family maiden birth preferred christian surname legal real complete", "name"),
    *_pairs(_HOLDERS, "name"),
    *(pair for name, holders in _ELSEWHERE for pair in _pairs(holders, name)),
    *_singles(
        """
        firstname lastname fullname middlename givenname familyname maidenname surname forename firstnames
        patientname cardholdername customername contactname employeename
        """
    ),
    *_pairs("next name", "kin"),
    *_singles(
        """
        vorname nachname familienname rufname geburtsname mädchenname zuname kundenname patientenname
        mitarbeitername
        """
    ),
    *_singles("prénom nomdefamille nomcomplet patronyme apellido primerapellido segundoapellido nombrecompleto"),
    *_singles("cognome nomecompleto nominativo sobrenome voornaam achternaam tussenvoegsel meisjesnaam"),
    *_singles(
        """
        氏名 名前 お名前 姓名 姓 苗字 名字 本名 フルネーム 氏名カナ 真实姓名 聯絡人 联系人 收件人 持卡人 이름
        성명 성함 수취인 고객명 환자명 фамилия отчество фио
        """
    ),
)
"""Keys that hold a person's name and nothing else."""

ROLES: Final = (
    *_singles(
        """
        cardholder passenger patient recipient employee attendee applicant beneficiary assignee author manager
        supervisor spouse physician doctor contact guest insured policyholder traveler signer payee nominee
        taxpayer requester requestor reporter organizer organiser instructor professor reviewer approver submitter
        signatory claimant defendant plaintiff landlord donor shareholder founder ceo cfo cto coo chairman
        chairperson treasurer attorney lawyer solicitor notary surgeon dentist therapist practitioner prescriber payer
        debtor borrower guarantor heir lecturer teacher tutor student husband wife mother father resident visitor
        interviewer interviewee candidate salesperson recruiter attn attention addressee consignee traveller holder
        antragsteller ansprechpartner steuerpflichtiger geschäftsführer karteninhaber kontoinhaber empfänger
        sachbearbeiter demandeur contribuable bénéficiaire signataire titulaire destinataire gérant solicitante
        contribuyente firmante titular destinatario beneficiario huésped richiedente contribuente firmatario
        intestatario contribuinte signatário hóspede contactpersoon aanvrager
        患者 乗客 申請者 契約者 受取人 担当者 代表者 申请人 纳税人 收款人 付款人 经办人 负责人 신청인 담당자 예금주
        대표자 환자
        """
    ),
    *_pairs(
        """
        driver owner user assignee creator reporter member sender receiver manager reviewer director approver
        submitter participant speaker presenter judge buyer purchaser pilot captain crew lead rep representative
        delegate officer president secretary treasurer ceo cfo cto contributor maintainer committer inventor trainer
        coach referee inspector auditor technician billing shipping delivery tenant seller agent
        """,
        "name",
    ),
    *_pairs("approved signed prepared reviewed submitted requested reported witnessed ordered authored", "by"),
    *_pairs("assigned", "to"),
    *(frozenset({*pair, "name"}) for pair in _pairs("bill ship sold deliver remit invoice", "to")),
    *_pairs("account card policy", "holder"),
    *_pairs("account", "owner"),
    *_pairs("emergency billing shipping", "contact"),
)
"""Keys that hold one often: only what is written as a name in full counts."""

NAMED_BESIDE: Final = (
    *(
        frozenset({kind, "address", "name"})
        for kind in ["billing", "shipping", "delivery", "mailing", "postal", "home", "residential"]
    ),
    *_pairs("created updated modified edited", "by"),
)
"""As `ROLES`, though words that speak of something else elsewhere stand in them."""

NAME_ALONE: Final = (
    *_singles("name owner user sender by from nom nombre nome naam"),
    *_pairs("display", "name"),
)
"""Keys that hold names of everything: of a person's in full, and beginning with a given name, it counts."""

NOT_NAMES: Final = words(
    """
    product file branch tool company model plan event class type id count status organization organisation org
    team project username login handle user_id role title group department email mail phone url domain host
    server bucket table column database schema field key tag city country state region bank brand device app
    application service package module function method test campaign page folder directory path image street
    road school hospital business firm institution code created updated at date time length format pattern regex
    template verified provider version enabled relationship language locale gender prefix suffix initial score
    reason note label description slug number address nationality specialty preference category kind policy
    """
)

STREETS: Final = (
    *_singles(
        """
        street streetname streetaddress straße strasse strassenname calle rue rua straat straatnaam улица
        番地 街道 도로명
        """
    ),
    *_pairs("street road", "name address line"),
)
"""Keys that hold a street, which need not have a number."""

ADDRESSES: Final = (
    *_singles(
        """
        address addr adresse anschrift wohnadresse lieferadresse rechnungsadresse postanschrift dirección
        domicilio indirizzo residenza endereço morada logradouro adres woonadres adress residence 住所 現住所
        所在地 地址 住址 주소 адрес
        """
    ),
    *_pairs("address addr", "line street postal mailing shipping billing home residential delivery permanent full"),
)
NOT_ADDRESSES: Final = words(
    """
    email mail ip ipv4 ipv6 mac contract wallet web url uri website memory bitcoin btc eth ethereum crypto token
    host server network subnet bus i2c pci usb hardware ethernet bluetooth sender from to cc bcc reply return
    socket register type id count status verified valid validation city state country zip code postcode
    postal_code hash cell range base listen bind port dns program account chain public broadcast gateway space
    label book correo courriel
    """
)

BIRTH: Final = (
    *_singles(
        """
        dob birthdate birthday birthdt dateofbirth born geburtsdatum geburtstag geboren naissance datenaissance
        nacimiento fechanacimiento cumpleaños nascita datanascita nascimento datanascimento geboortedatum
        aniversario anniversaire compleanno 生年月日 誕生日 出生日期 出生年月日 生日 생년월일 생일
        """
    ),
    *_pairs("birth", "date day dt at on"),
    *_pairs("date", "naissance nascita nascimento nacimiento geburt born"),
    *_pairs("fecha", "nacimiento"),
    *_pairs("data", "nascita nascimento"),
    *_pairs("дата", "рождения"),
)
NOT_BIRTH: Final = words(
    """
    place city country state town location verified status weight name certificate order lieu lugar luogo local
    ort type format count number id party message template notification reminder enabled
    """
)

BIRTH_WORDS: Final = words(
    """
    dob d.o.b birthdate birthday birth born geboren geburtsdatum geburtstag naissance né née nacimiento nacido
    nacida nascita nato nata nascimento nascido nascida geboortedatum 生年月日 誕生日 出生日期 생년월일
    """
)
"""Words of a sentence after which a date is one of birth."""

FULL_NAME: Final = (
    r"(?:full|legal|real|guest|holder|customer|client|contact|patient|employee|passenger|recipient|beneficiary"
    r"|applicant|student|teacher|author|requester|payer|payee|subscriber|member|owner|sender|cardholder|billing"
    r"|shipping)[ _-]?names?|contact person|ansprechpartner(?:in)?|beneficiary|beneficiario|bénéficiaire|recipient"
    r"|empfänger(?:in)?|destinatario|destinataire|cardholder|taxpayer|passenger|patient|applicant|author|assignee"
    r"|antragsteller(?:in)?|requester|attendee|nombre completo|nom complet|nome completo|nom du client|kundenname"
    r"|karteninhaber(?:in)?"
)
PART_OF_NAME: Final = (
    r"(?:first|last|middle|given|family|maiden)[ _-]?name|surname|forename|vorname|nachname|prénom|apellidos?|cognome"
    r"|sobrenome|voornaam|achternaam"
)
ANY_NAME: Final = r"(?:display[ _-]?)?name|given|family|owner|user|nom|nombre|nome|naam"
"""Patterns of words before a colon or an equals sign, which a name follows."""
SAYING: Final = (
    *("name", "naam", "nom", "person", "partner", "benef", "bénéf", "recipient", "empfänger", "destinat", "cardholder"),
    *("inhaber", "taxpayer", "passenger", "patient", "applicant", "antragsteller", "author", "assignee", "requester"),
    *("attendee", "apellido", "given", "family", "owner", "user", "cognome"),
)
"""Of which a text has one that has any of those."""

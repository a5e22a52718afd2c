"""Words that only one of several near languages uses. N-gram models take Malay for Indonesian and Bosnian for Croatian because
nearly all of their n-grams are common; a reader tells them by a few words, and so does this.

The lists are the well-known differences: the spelling of loan words, months, conjunctions, and for Serbian the reflex of yat.
"""

import re
from functools import cache

import numpy as np

from raylm.corpus.language.base import Evidence, Identifier
from raylm.corpus.language.codes import CLOSEST, INDEX, LANGUAGES

_STRENGTH = 2.0
"""Log-odds that one marker is worth."""
_MOST = 4
"""Markers of one language that count: more say nothing new."""

_WORDS: dict[str, str] = {
    "ms": """adakah akhbar aktiviti apabila awak bahawa bandar berasaskan berbanding berbeza berjaya berkenaan beza
        boleh cuba dadah daripada dato datuk dijalankan dikeluarkan disember ditubuhkan doktor eropah faedah
        hakmilik hendaklah iaitu identiti inggeris isnin jawatankuasa jenayah johor julai jumaat jun jururawat
        kanak kejayaan kementerian kempen kerajaan kerana kereta kesihatan keutamaan khidmat komuniti kuala
        kualiti laman lelaki lumpur mahkamah mahu majoriti makcik maklumat manakala muat nombor ogos pakcik
        pasukan pautan pejabat pelancong pelancongan pelbagai pengarah peniaga penubuhan perbezaan percubaan
        percuma peringkat perkhidmatan perlembagaan perniagaan pilihanraya polis rasmi sabah sahaja sarawak
        sebahagian sebarang sekiranya selangor selepas semasa seronok setiausaha sila silakan sukan syarikat
        telefon televisyen tentera tersebutlah teruk ubat universiti walaubagaimanapun wang""",
    "id": """agustus aktivitas apakah bahwa bandung banget beda berbagai berbasis berbeda besok bisa bisnis coba
        departemen desember dibandingkan didirikan direktur dokter dong dosen enggak eropa gak gratis identitas
        inggris ingin jakarta juli jumat juni kabupaten kalau kampanye kamu kantor karena keamanan keberhasilan
        kejahatan kemarin kesehatan kok komite komunitas konstitusi koran kriminal kualitas mahasiswa mantan
        maret mayoritas mencoba mengatakan meskipun mobil namun narkoba nggak nomor obat olahraga parah
        pariwisata pelayanan pemerintah pemilu pendirian pengadilan pengusaha perawat perbedaan percobaan
        pertandingan perusahaan pinjam polisi presiden pria provinsi resmi rupiah saja sebagian sekretaris senin
        sepak sepakbola setelah sih silakan siswa situs sore sumatera surabaya tautan telepon televisi teman
        tentara terkait tim turis uang unduh universitas wisatawan yaitu yakni""",
    "hr": """djelatnici djelatnik djelatnika dočim europa europe europi europska europske europski europskog
        europskoj glazba glazbe glazbeni glazbu glede gospodarska gospodarski gospodarstva gospodarstvo hrvatska
        hrvatske hrvatski hrvatskoj izravno izvješća izvješće juha kazališta kazalište kolodvor kolovoz kolovoza
        kruh kuna kune liječnici liječnik liječnika lipanj lipnja listopad listopada milijun milijuna milijuni
        mrežna mrežne nazočan neizravno netko netom nitko nogomet nogometni odvjetnici odvjetnik oporba općina
        općine općini ostvariti ozljeda ozljede ožujak ožujka pak poglavito ponajprije povijesni povijest
        povijesti prigoda prigodom priopćenje priopćenju promidžba prosinac prosinca rabi rabiti ravnatelj
        razina razine razini razinu računala računalo rujan rujna siječanj siječnja skladatelj slijedeće srpanj
        srpnja stoljeća stoljeće stoljeću studeni studenog studenoga sukladno suradnja suradnje suradnji
        suradnju sustav sustava sustavu svatko sveučilišta sveučilište sveučilištu svibanj svibnja tajnik
        tijekom tipkovnica tisuća tisuće tisuću tjedan tjedana tjedna tjedni tjedno tko točan točke točno
        travanj travnja tvrtka tvrtke tvrtki tvrtku unatoč uporaba uporabe uporabu uvjet uvjeta uvjeti uvjetima
        uvjetovati veljača veljače vjerojatnoća vrhnje zagreb zagrebu zakonika zasigurno zaslon znanost znanosti
        znanstveni zrakoplov zrakoplova""",
    "bs": """aprila augusta avgusta banjoj bih bosanske bosanski bosanskohercegovački bosna bosne bosni bosnu
        bošnjaci bošnjak bošnjaka bošnjački decembra direktno entitet entiteta evropa evrope evropi evropska
        evropske evropski fbih februar februara fudbal fudbalski hercegovina hercegovine hercegovini hiljada
        hiljade hiljadu historija historije historiji historijski hljeb hudoj izvještaj izvještaja izvještaju
        januar januara jula juna kahva kanton kantona kantonu ko lahko ljekar ljekara ljekari maja marta mehko
        milion miliona mostar mostaru muzika muzike nauka nauke naučni neko niko nivo nivoa nivou novembra
        oktobra općina općine općini opštine povrijeđen povrijeđeno pozorišta pozorište preduzeća preduzeće
        privreda privrede privredni sahat saopćenje saopćenju saradnja saradnje saradnji saradnju sarajeva
        sarajevo sarajevu sedmica sedmice sedmicu sedmično septembra sigurnosne sistem sistema sistemu svako
        takođe tačka tačke tačno tuzla tuzli univerzitet univerziteta univerzitetu upotreba uslov uslova uslovi
        uslovima zenica zenici""",
    "sr": """aprila avgusta beleška beograd beogradu bezbednost bezbednosti cela celo cena cene cenu ceo deca dece
        decembra dela delo delom delovanje deo dete direktno dve dvema evropa evrope evropi evropska evropske
        evropski februar februara fudbal gde grešaka hiljada hiljade hleb htela hteli hteo istorija istorije
        istorijski izveštaj izveštaja januar januara jula juna ko lekar lekara lekari lepa lepo leta leto maja
        marta mera mere mesta mesto mestu milion miliona mleko muzika muzike nauka nauke naučni negde neko
        nemačka nemački niko nivo nivoa nivou novembra obe obezbediti odeljenje oktobra opšte opšti opština
        opštine opštini ovde pesma pesme pesnik porede posle poslednja poslednje poslednji pozorište pravoslavne
        pre predsednice predsednik predsednika preduzeća preduzeće primeniti primer primera privreda privrede
        promena promene promenu razumeti reč reči rešenja rešenje rešiti saopštenje saradnja saradnje saradnji
        saradnju sednica sednici septembra sistem sistema sistemu sledeća sledeće sledeći smeo sneg srbija
        srbije srbiji srećan svako svet sveta svetu takođe tačka tačke tačno tela telo univerzitet univerziteta
        univerzitetu uopšte upotrebljava uslov uslova uslovi uspeh uspeha uvek vek veka veku verovatno vest
        vesti video voleo vredi vrednost vrednosti vreme vremena zahtev zahteva zahtevi zvezda zvezde čovek
        čoveka čoveku šta želeo železnica živeo""",
    "nb": """annen ble deres fra følge gjør hun hva hvem hvor hvordan hvorfor høyre ikke jeg kjøre kun melk mye noe
        noen norge oppgave penger selv sier spørsmål uke uker være vært""",
    "nn": """annan berre blei deira dykk dykkar eg ei eiga eige eigen eit fleire frå fyrste følgje gjer gjeve heile
        høgre ikkje kjem korleis kva kvar kven kvifor køyre meir mjølk mykje noko nokon nokre noreg oppgåve
        pengar saman seier sjå sjølv spørsmåla tidlegare vart veke veker vere vert vore òg""",
}
"""Marker words by language; one may stand under two of a group, against the third."""

_IJEKAVIAN = re.compile(r"(?:vje|mje|dje|tje|pje|rije[čkms]|ijed|iješ|ijen)")
"""Written by Bosnian and Croatian where Serbian writes a plain e."""
_WORD = re.compile(r"[^\W\d_]+")


@cache
def _owners() -> dict[str, tuple[str, ...]]:
    owners: dict[str, list[str]] = {}
    for language, words in _WORDS.items():
        for word in set(words.split()):
            owners.setdefault(word, []).append(language)
    return {word: tuple(languages) for word, languages in owners.items()}


class Markers(Identifier):
    """Log-odds inside each group; of no weight between groups, and silent where no marker stands."""

    name = "markers"
    alone = False
    weight = 1.15

    def evidence(self, text: str) -> Evidence | None:
        """Return the log-odds of the languages with markers against their neighbours; 0 for all others."""
        owners = _owners()
        counts: dict[str, int] = {}
        for word in set(_WORD.findall(text.lower())):
            for language in owners.get(word, ()):
                counts[language] = counts.get(language, 0) + 1
            if _IJEKAVIAN.search(word):
                counts["bs"], counts["hr"] = counts.get("bs", 0) + 1, counts.get("hr", 0) + 1
        if not counts:
            return None
        evidence = np.zeros(len(LANGUAGES))
        for group in CLOSEST:
            votes = np.array([min(counts.get(language, 0), _MOST) for language in group], dtype=np.float64) * _STRENGTH
            evidence[[INDEX[language] for language in group]] = votes - votes.max()
        return evidence

"""What the corpus is made of besides its recipe: the files themselves. Their names, sizes and times go into the artifact's address,
so a changed folder makes a new corpus and an unchanged one is found again.
"""

from hashlib import sha256

from raylm.corpus.config import CorpusConfig
from raylm.corpus.listing import list_files


def fingerprint(config: CorpusConfig) -> str:
    """Return 16 hexadecimal digits that name the files to be read: source, root label, relative path, size and mtime of each.

    Raises:
        UserError: a source's folder is missing, or a source finds no file.
    """
    digest = sha256()
    lines = sorted(f"{file.source}\0{file.label}\0{file.relative}\0{file.size}\0{file.mtime_ns}\n" for file in list_files(config))
    for line in lines:
        digest.update(line.encode())
    return digest.hexdigest()[:16]

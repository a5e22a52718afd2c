"""Check digits of the numbers that identify people and accounts: what tells them from other numbers of their length."""

_CHINESE = "10X98765432"


def luhn(digits: str) -> bool:
    """Return whether the last digit is the Luhn check digit (ISO/IEC 7812-1, annex B)."""
    total = sum(map(int, digits[-1::-2])) + sum(sum(divmod(2 * int(digit), 10)) for digit in digits[-2::-2])
    return total % 10 == 0


def mod_97(text: str) -> bool:
    """Return whether letters and digits, letters read as 10..35, leave 1 on division by 97 (ISO/IEC 7064 mod 97-10), as in an IBAN
    whose first four characters were moved to its end.
    """
    return int("".join(str(int(sign, 36)) for sign in text)) % 97 == 1


def mod_11_2(digits: str) -> str:
    """Return the check character of a string of digits: 0..9 or X (ISO/IEC 7064 mod 11-2)."""
    weighed = sum(int(digit) << (len(digits) - place) for place, digit in enumerate(digits))
    return _CHINESE[weighed % 11]


def mod_11_10(digits: str) -> bool:
    """Return whether the last digit is the check digit of those before it (ISO/IEC 7064 mod 11,10)."""
    rest = 10
    for digit in digits[:-1]:
        rest = (rest + int(digit)) % 10 or 10
        rest = rest * 2 % 11
    return (11 - rest) % 10 == int(digits[-1])


def weighted(digits: str, weights: tuple[int, ...]) -> int:
    """Return the sum of digits times weights; the shorter of the two ends it."""
    return sum(int(digit) * weight for digit, weight in zip(digits, weights, strict=False))

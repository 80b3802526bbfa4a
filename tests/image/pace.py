"""Time limits that follow the machine on which the image is tested."""

SHELL_MAX_S = 900
"""The limit for starting a bare shell: 8 s on two idle cores of a PC, for a machine a hundred times slower."""


class Limits:
    """Multiples of what the kernel needs to a bare shell in the emulated machine with UEFI, which is measured here
    before the first case. What each wait takes on a quiet PC, in such starts, stands beside it; a wait may take
    several times that, because other work may begin on the machine after the measurement. Only a failure takes so
    long: what is waited for ends a wait at once."""

    def __init__(self, shell_s):
        self.shell_s = shell_s
        self.boot_s = self.of(40, 300)
        """From power-on until screen, picture or report appear: 1.3 (UEFI) to 7 (Raspberry Pi 3, report)."""
        self.change_s = self.of(20, 120)
        """From a change until the screen shows it, on a running machine: 0.1 to 3."""
        self.name_s = self.of(8, 30)
        """For a response by mDNS, from a machine with an address: 0.1."""
        self.answer_s = self.of(15, 60)
        """For a response over HTTP, from a machine with an address: 0.1 to 1."""
        self.again_s = self.of(0.75, 2)
        """Until a question is repeated: a slow machine must not be busy with earlier ones."""

    def of(self, starts, least_s):
        return max(starts * self.shell_s, least_s)

    def __str__(self):
        return f"a bare shell started in {self.shell_s:.1f} s: {self.boot_s:.0f} s for a start, {self.answer_s:.0f} s for an answer"

# shellcheck shell=bash
# Shared by the steps of the image's build. They run in the project's folder, without privileges.

set -euo pipefail
shopt -s inherit_errexit
umask 022
export LC_ALL=C TZ=UTC

manifest=image-build/manifest.py
work=${PINHOLE_IMAGE_DIR:-target/image}
# Packages are cached outside the clone: a new clone need not fetch them again.
package_cache=${XDG_CACHE_HOME:-$HOME/.cache}/pinhole/packages
mkdir -p "$work" "$package_cache"
work=$(cd "$work" && pwd)

say() {
	echo "image: $*" >&2
}

give_up() {
	say "$@"
	exit 1
}

# The name of a step's result: a checksum over its inputs, which are files, folders or words.
key_of() {
	local input
	for input; do
		if [ -d "$input" ]; then
			# Files unknown to git, such as Python's byte code, are not inputs.
			find "$input" -type f -not -path '*/__pycache__/*' | sort | xargs -d '\n' sha256sum
			find "$input" -type l -printf '%p %l\n' | sort
		elif [ -f "$input" ]; then
			sha256sum "$input"
		else
			echo "$input"
		fi
	done | sha256sum | cut -c 1-16
}

# --- apt, beside the machine's own ---------------------------------------------------------------

# The Debian mirrors that this machine uses: lines `main URL` and `security URL`.
machine_mirrors() {
	apt-get indextargets --format '$(REPO_URI) $(RELEASE) $(COMPONENT)' 'Created-By: Packages' 2>/dev/null |
		awk '
			$2 ~ /^(bookworm|trixie|forky|duke|sid|stable|testing|unstable)(-updates|-backports)?$/ && !main { main = $1 }
			$2 ~ /^(bookworm|trixie|forky|duke|stable|testing)-security$/ && !security { security = $1 }
			END { if (main) print "main", main; if (security) print "security", security }
		'
}

apt_sources() {
	local main=${PINHOLE_MIRROR:-} security=${PINHOLE_SECURITY_MIRROR:-}
	[ -n "$main" ] || main=$(machine_mirrors | sed -n 's/^main //p')
	[ -n "$security" ] || security=$(machine_mirrors | sed -n 's/^security //p')
	[ -n "$main" ] || give_up "this machine has no Debian mirror configured; name one: make image PINHOLE_MIRROR=URL"
	# Mirrors keep the security archive beside the other one, under this name.
	[ -n "$security" ] || security=${main%/}-security
	local debian kernel suite
	debian=$($manifest debian_suite)
	kernel=$($manifest kernel_suite)
	local options="signed-by=/usr/share/keyrings/debian-archive-keyring.gpg"
	for suite in "$debian" "$debian-updates" "$kernel"; do
		echo "deb [$options] $main $suite main non-free-firmware"
	done
	echo "deb [$options] $security $debian-security main non-free-firmware"
}

# Prepares an apt that knows arm64 packages and is independent of this machine's; then `apt-get`, `apt-cache`
# run with `APT_CONFIG=$apt_config`.
prepare_apt() {
	local root=$work/apt
	apt_config=$root/apt.conf
	mkdir -p "$root"/etc/apt/{apt.conf.d,preferences.d,sources.list.d,trusted.gpg.d} \
		"$root"/var/lib/apt/lists/partial "$root"/var/cache/apt/archives/partial "$root/var/lib/dpkg"
	: >"$root/var/lib/dpkg/status"
	apt_sources >"$root/etc/apt/sources.list.new"
	{
		# This machine's proxy for its mirror.
		apt-config dump | grep -E '^Acquire::[^ ]*[Pp]roxy' || true
		cat <<-END
			Dir "$root";
			Dir::Etc::main "/dev/null";
			Dir::State::status "$root/var/lib/dpkg/status";
			APT::Architecture "arm64";
			APT::Architectures { "arm64"; };
			APT::Install-Recommends "false";
			APT::Sandbox::User "";
			Acquire::Languages "none";
			Acquire::Retries "3";
		END
	} >"$apt_config"
	mv "$root/etc/apt/sources.list.new" "$root/etc/apt/sources.list"
}

apt_update() {
	say "refreshing the package lists"
	APT_CONFIG=$apt_config apt-get -q update >"$work/apt-update.log" 2>&1 || {
		cat "$work/apt-update.log" >&2
		give_up "the package lists could not be refreshed"
	}
}

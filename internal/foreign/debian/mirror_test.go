package debian

import "testing"

func TestWhereDoesThisReleaseComeFrom(t *testing.T) {
	const uris = `'http://a.example/debian/dists/bookworm-updates/InRelease' a_InRelease 0
'http://b.example/security/dists/bookworm-security/InRelease' b_InRelease 0
'https://c.example/some/debian/dists/bookworm/InRelease' c_InRelease 0
'https://d.example/debian/dists/bookworm/main/binary-amd64/Packages.xz' d_Packages 0
`
	if got, err := archive(uris, "bookworm"); got != "https://c.example/some/debian" || err != nil {
		t.Errorf("%q, %v", got, err)
	}
	if got, err := archive(uris, "trixie"); err == nil {
		t.Errorf("%q for a release that no source has", got)
	}
}

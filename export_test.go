package fdpass

// The kernel's numbers, which the tests take from here, since they are not the
// same on every architecture.
const (
	SoPassCred       = soPassCred
	SoPassSec        = soPassSec
	SoPassPIDFD      = soPassPIDFD
	SoPeerPIDFD      = soPeerPIDFD
	SoPassRights     = soPassRights
	SoInq            = soInq
	SoTimestampOld   = soTimestampOld
	SoTimestampnsOld = soTimestampnsOld
	SoTimestampNew   = soTimestampNew
	SoTimestampnsNew = soTimestampnsNew
)

package draw

import (
	"bytes"
	"fmt"
	"strings"
	"text/tabwriter"
)

// Room is the arithmetic of a control buffer, in bytes.
type Room struct {
	Data      int `json:"data"`       // of the rights message: four times the number of descriptors
	Header    int `json:"header"`     // sizeof(struct cmsghdr)
	CmsgLen   int `json:"cmsg_len"`   // CMSG_LEN(Data)
	CmsgSpace int `json:"cmsg_space"` // CMSG_SPACE(Data)
	Before    int `json:"before"`     // of the messages in front of the rights
	Behind    int `json:"behind"`     // of those behind
	Total     int `json:"total"`      // of all of them
	Admits    int `json:"admits"`     // how many descriptors the kernel installs, given Total, if the sender has them
}

// wanted is how many descriptors the room is meant for.
func (r *Room) wanted() int { return r.Data / 4 }

// sums is the arithmetic of the rights message for each picture.
func sums(pictures []*Picture) []string {
	var b bytes.Buffer
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	d := pictures[0].Room.Data
	fmt.Fprintf(w, "\tCMSG_LEN(%d)\tCMSG_SPACE(%[1]d)\tlets through\n", d)
	for _, p := range pictures {
		r := p.Room
		fmt.Fprintf(w, "%s\t%d + %d = %d\t%d + %d = %d\t%s\n", p.Arch, r.Header, r.Data, r.CmsgLen,
			r.Header, r.CmsgSpace-r.Header, r.CmsgSpace, r.admits(r.CmsgSpace))
	}
	w.Flush()
	return lines(b.String())
}

// inAll is the arithmetic of the whole buffer for each picture.
func inAll(pictures []*Picture) []string {
	var b bytes.Buffer
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "\tbefore\trights\tbehind\tin all\tlets through\n")
	for _, p := range pictures {
		r := p.Room
		fmt.Fprintf(w, "%s\t%d\t%d\t%d\t%d\t%s\n", p.Arch, r.Before, r.CmsgSpace, r.Behind, r.Total, r.admits(r.CmsgSpace+r.Behind))
	}
	w.Flush()
	return lines(b.String())
}

// admits is how many descriptors the kernel installs in the room that the
// messages in front have left, in bytes.
func (r *Room) admits(room int) string {
	n := (room - r.Header) / 4
	s := fmt.Sprintf("(%d - %d) / 4 = %d", room, r.Header, n)
	if n > MaxFDs {
		n = MaxFDs
		s += fmt.Sprintf(", at most %d", n)
	}
	if more := n - r.wanted(); more > 0 {
		s += fmt.Sprintf(", %d too many", more)
	}
	return s
}

// moral is what the sums mean, in lines for the terminal.
func moral(pictures []*Picture) []string {
	first := pictures[0].Room
	padded := false
	for _, p := range pictures {
		padded = padded || p.Room.CmsgSpace > p.Room.CmsgLen
	}
	switch {
	case first.Behind > 0:
		return []string{
			"The kernel writes the descriptors into all the room that there is: the padding",
			"and what was meant for the messages behind them. It sets MSG_CTRUNC only for",
			"what does not fit even so.",
		}
	case padded:
		return []string{
			fmt.Sprintf("The kernel uses the padding, too: a buffer that ends at CMSG_SPACE(%d) lets more", first.Data),
			fmt.Sprintf("than %s through. One that ends at CMSG_LEN(%d) does not, and the", count(first.wanted(), "descriptor"), first.Data),
			"kernel sets MSG_CTRUNC when there were more.",
		}
	}
	return []string{"There is no padding: as many descriptors fit as the room is meant for."}
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// lines splits text that ends with a newline.
func lines(text string) []string {
	return strings.Split(strings.TrimSuffix(text, "\n"), "\n")
}

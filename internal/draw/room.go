package draw

import "fmt"

// Room is the arithmetic of a control buffer, in bytes.
type Room struct {
	Data      int `json:"data"`       // of the rights message: four times the number of descriptors
	Header    int `json:"header"`     // sizeof(struct cmsghdr)
	CmsgLen   int `json:"cmsg_len"`   // CMSG_LEN(Data)
	CmsgSpace int `json:"cmsg_space"` // CMSG_SPACE(Data)
	Before    int `json:"before"`     // of the messages in front of the rights
	After     int `json:"after"`      // of those after
	Total     int `json:"total"`      // of all of them
	Admits    int `json:"admits"`     // the most descriptors that the kernel installs, given Total
}

// wanted returns how many descriptors the room is meant for.
func (r *Room) wanted() int { return r.Data / 4 }

// sums returns the arithmetic of the rights message: a table for each word size.
func sums(pictures []*Picture) [][]string {
	d := pictures[0].Room.Data
	rows := [][]string{{"", fmt.Sprintf("CMSG_LEN(%d)", d), fmt.Sprintf("CMSG_SPACE(%d)", d), "lets through"}}
	for _, g := range grouped(pictures, sameStructs) {
		r := g.Room
		rows = append(rows, []string{g.short(), fmt.Sprintf("%d + %d = %d", r.Header, r.Data, r.CmsgLen),
			fmt.Sprintf("%d + %d = %d", r.Header, r.CmsgSpace-r.Header, r.CmsgSpace), r.admits(r.CmsgSpace)})
	}
	return rows
}

// inAll returns the arithmetic of the whole buffer, in bytes.
func inAll(pictures []*Picture) [][]string {
	rows := [][]string{{"", "before", "rights", "after", "in all", "lets through"}}
	for _, g := range grouped(pictures, sameStructs) {
		r := g.Room
		row := []string{g.short()}
		for _, n := range []int{r.Before, r.CmsgSpace, r.After, r.Total} {
			row = append(row, fmt.Sprint(n))
		}
		rows = append(rows, append(row, r.admits(r.CmsgSpace+r.After)))
	}
	return rows
}

// admits returns how many descriptors the kernel installs in the room that the
// messages in front have left, in bytes.
func (r *Room) admits(room int) string {
	n := (room - r.Header) / 4
	s := fmt.Sprintf("(%d - %d) / 4 = %d", room, r.Header, n)
	if n > MaxFDs {
		n = MaxFDs
		s += fmt.Sprintf(", at most %d", n)
	}
	if more := n - r.wanted(); more > 0 {
		s += fmt.Sprintf(", %d %s", more, tooMany)
	}
	return s
}

// tooMany is what a table says of descriptors that nobody asked for.
const tooMany = "too many"

// moral returns what the sums mean.
func moral(pictures []*Picture) string {
	first := pictures[0].Room
	padded := false
	for _, p := range pictures {
		padded = padded || p.Room.CmsgSpace > p.Room.CmsgLen
	}
	switch {
	case first.wanted() == MaxFDs:
		return fmt.Sprintf("The kernel passes %d descriptors in a message at most, "+
			"so whatever room there is, no more come.", MaxFDs)
	case first.After > 0:
		return "The kernel writes the descriptors into all the room that there is: the padding and what was meant " +
			"for the messages after them. It sets MSG_CTRUNC only for what does not fit even so."
	case padded:
		return fmt.Sprintf("The kernel uses the padding, too: "+
			"a buffer that ends at CMSG_SPACE(%d) lets more than %s through. "+
			"One that ends at CMSG_LEN(%[1]d) does not, and the kernel sets MSG_CTRUNC when there were more.",
			first.Data, count(first.wanted(), "descriptor"))
	}
	return "There is no padding: as many descriptors fit as the room is meant for."
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

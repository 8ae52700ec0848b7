// Hdfscat copies files of HDFS to its standard output. Blocks that a DataNode on
// this machine has are read from their files, through descriptors.
//
//	hdfscat [-v] [-socket PATH] hdfs://HOST:PORT/PATH...
//
// With -v it says on its standard error which bytes came how. The path of the
// DataNode's socket is dfs.domain.socket.path in the Hadoop configuration that
// HADOOP_CONF_DIR or HADOOP_HOME leads to, unless -socket gives it.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"net/url"
	"os"

	"example.com/fdpass/hdfs"
	"github.com/colinmarc/hdfs/v2"
	"github.com/colinmarc/hdfs/v2/hadoopconf"
)

func main() {
	verbose := flag.Bool("v", false, "say which bytes came how")
	socket := flag.String("socket", "",
		"`path` of the DataNode's socket; in it, _PORT is the DataNode's port")
	user := flag.String("user", os.Getenv("HADOOP_USER_NAME"),
		"`name` of the user of HDFS; default: that of the process")
	flag.Usage = func() {
		fmt.Fprintln(flag.CommandLine.Output(),
			"usage: hdfscat [-v] [-socket PATH] [-user NAME] hdfs://HOST:PORT/PATH...")
		flag.PrintDefaults()
	}
	flag.Parse()
	if flag.NArg() == 0 {
		flag.Usage()
		os.Exit(2)
	}
	if err := run(flag.Args(), *socket, *user, *verbose); err != nil {
		fmt.Fprintln(os.Stderr, "hdfscat:", err)
		os.Exit(1)
	}
}

func run(files []string, socket, user string, verbose bool) error {
	conf, err := hadoopconf.LoadFromEnvironment()
	if err != nil {
		return err
	}
	if socket == "" {
		socket = conf["dfs.domain.socket.path"]
	}
	dialer := shortcircuit.NewDialer(socket, shortcircuit.DialerOptions{})
	defer dialer.Close()
	for _, file := range files {
		before := dialer.Stats()
		n, err := cat(file, conf, user, dialer)
		if verbose {
			report(file, n, before, dialer.Stats())
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// cat copies one file.
func cat(file string, conf hadoopconf.HadoopConf, user string, dialer *shortcircuit.Dialer) (int64, error) {
	u, err := url.Parse(file)
	if err != nil {
		return 0, err
	}
	if u.Scheme != "hdfs" || u.Path == "" {
		return 0, fmt.Errorf("%s: not hdfs://HOST:PORT/PATH", file)
	}
	opts := hdfs.ClientOptionsFromConf(conf)
	if opts.KerberosClient != nil {
		return 0, errors.New("the configuration asks for Kerberos, which this example does not have")
	}
	if u.Host != "" {
		opts.Addresses = []string{u.Host}
	}
	opts.User = user
	opts.DatanodeDialFunc = dialer.DialContext // all that short-circuit reads take
	if user == "" {
		opts.User = processUser()
	}
	client, err := hdfs.NewClient(opts)
	if err != nil {
		return 0, err
	}
	defer client.Close()
	f, err := client.Open(u.Path)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	return io.Copy(os.Stdout, f)
}

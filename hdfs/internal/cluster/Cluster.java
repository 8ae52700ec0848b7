import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.lang.management.ManagementFactory;
import java.net.URI;
import java.nio.ByteBuffer;
import java.security.MessageDigest;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.Map;
import java.util.SplittableRandom;

import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.CreateFlag;
import org.apache.hadoop.fs.FSDataInputStream;
import org.apache.hadoop.fs.FSDataOutputStream;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Options.ChecksumOpt;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.fs.permission.FsPermission;
import org.apache.hadoop.hdfs.DistributedFileSystem;
import org.apache.hadoop.hdfs.MiniDFSCluster;
import org.apache.hadoop.hdfs.client.HdfsDataInputStream;
import org.apache.hadoop.hdfs.protocol.LocatedBlock;
import org.apache.hadoop.hdfs.server.datanode.DataNode;
import org.apache.hadoop.net.unix.DomainSocket;
import org.apache.hadoop.security.token.Token;
import org.apache.hadoop.util.DataChecksum;

/**
 * A cluster of HDFS in one process, or a client of one. It takes a command a line
 * and answers with a line: "ok" and a result, or "error" and a reason.
 *
 *   Cluster cluster DIR DATANODES
 *   Cluster client NAMENODE SOCKET SHORTCIRCUIT
 */
public class Cluster {
    static FileSystem fs;
    static MiniDFSCluster cluster;
    static final Map<Integer, MiniDFSCluster.DataNodeProperties> stopped = new HashMap<>();
    static final Map<String, FSDataOutputStream> open = new HashMap<>();

    public static void main(String[] args) throws Exception {
        Configuration conf = new Configuration();
        conf.setInt("io.file.buffer.size", 128 << 10);
        if (args[0].equals("cluster")) {
            start(conf, args[1], Integer.parseInt(args[2]));
        } else {
            conf.set("dfs.domain.socket.path", args[2]);
            conf.set("dfs.client.read.shortcircuit", args[3]);
            fs = FileSystem.get(URI.create("hdfs://" + args[1]), conf);
            System.out.println("ok");
        }
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in));
        for (String line; (line = in.readLine()) != null; ) {
            String answer;
            try {
                answer = ("ok " + command(line.split(" "))).trim();
            } catch (Exception e) {
                answer = ("error " + e).replace('\n', ' ');
            }
            System.out.println(answer);
            System.out.flush();
        }
        Runtime.getRuntime().halt(0); // what is on disk is thrown away anyway
    }

    static void start(Configuration conf, String dir, int datanodes) throws Exception {
        DomainSocket.disableBindPathValidation(); // DIR may be anywhere
        conf.set("hdfs.minidfs.basedir", dir + "/data");
        conf.setBoolean("dfs.client.read.shortcircuit", true);
        conf.set("dfs.domain.socket.path", dir + "/dn._PORT");
        conf.setBoolean("dfs.block.access.token.enable", true);
        conf.setInt("dfs.replication", 1);
        conf.setInt("dfs.heartbeat.interval", 1); // deletes blocks that much sooner
        conf.setInt("dfs.namenode.redundancy.interval.seconds", 1);
        conf.setInt("dfs.datanode.scan.period.hours", -1); // finds no damage by itself
        cluster = new MiniDFSCluster.Builder(conf).numDataNodes(datanodes).build();
        cluster.waitActive();
        fs = cluster.getFileSystem();
        System.out.println("ok localhost:" + cluster.getNameNodePort());
    }

    static String command(String[] a) throws Exception {
        switch (a[0]) {
        case "write": // PATH SIZE BLOCKSIZE REPLICATION TYPE CHUNK
            try (OutputStream out = fs.create(new Path(a[1]), FsPermission.getFileDefault(),
                    EnumSet.of(CreateFlag.CREATE, CreateFlag.OVERWRITE), 128 << 10, Short.parseShort(a[4]),
                    Long.parseLong(a[3]), null,
                    new ChecksumOpt(DataChecksum.Type.valueOf(a[5]), Integer.parseInt(a[6])))) {
                fill(out, a[1], Long.parseLong(a[2]));
            }
            return "";
        case "append": // PATH SIZE
            try (OutputStream out = fs.append(new Path(a[1]))) {
                fill(out, a[1] + "+", Long.parseLong(a[2]));
            }
            return "";
        case "grow": // PATH SIZE: stays open
            if (!open.containsKey(a[1])) {
                open.put(a[1], fs.create(new Path(a[1])));
            }
            fill(open.get(a[1]), a[1], Long.parseLong(a[2]));
            open.get(a[1]).hflush();
            return "";
        case "finish":
            open.remove(a[1]).close();
            return "";
        case "blocks":
            return blocks(a[1]);
        case "delete":
            return "" + fs.delete(new Path(a[1]), false);
        case "hash":
            return hash(a[1]);
        case "stop": // PORT of a DataNode
            for (int i = 0; i < cluster.getDataNodes().size(); i++) {
                DataNode d = cluster.getDataNodes().get(i);
                if (d.getXferPort() == Integer.parseInt(a[1])) {
                    stopped.put(d.getXferPort(), cluster.stopDataNode(i));
                    return "";
                }
            }
            throw new Exception("no such DataNode");
        case "start":
            if (!cluster.restartDataNode(stopped.remove(Integer.parseInt(a[1])), true)) {
                throw new Exception("the DataNode did not start");
            }
            cluster.waitActive();
            return "";
        case "whole": // PATH: nanoseconds
            return "" + whole(a[1]);
        case "random": // PATH COUNT SIZE
            return "" + random(a[1], Integer.parseInt(a[2]), Integer.parseInt(a[3]));
        case "first": // PATH
            return "" + first(a[1]);
        case "cpu": // nanoseconds of this process
            return "" + ((com.sun.management.OperatingSystemMXBean)
                    ManagementFactory.getOperatingSystemMXBean()).getProcessCpuTime();
        default:
            throw new Exception("what is " + a[0] + "?");
        }
    }

    /** Writes bytes that look random and depend on a name. */
    static void fill(OutputStream out, String name, long size) throws Exception {
        SplittableRandom random = new SplittableRandom(name.hashCode());
        byte[] b = new byte[1 << 20];
        for (long left = size; left > 0; ) {
            random.nextBytes(b);
            int n = (int) Math.min(left, b.length);
            out.write(b, 0, n);
            left -= n;
        }
    }

    /** What the NameNode says about a file's blocks, those with a writer too. */
    static String blocks(String path) throws Exception {
        StringBuilder s = new StringBuilder();
        for (LocatedBlock b : ((DistributedFileSystem) fs).getClient()
                .getLocatedBlocks(path, 0, Long.MAX_VALUE).getLocatedBlocks()) {
            Token<?> token = b.getBlockToken();
            s.append(String.join(" ", b.getBlock().getBlockPoolId(), "" + b.getBlock().getBlockId(),
                    "" + b.getBlock().getGenerationStamp(), "" + b.getBlock().getNumBytes(),
                    "" + b.getLocations()[0].getXferPort(),
                    HexFormat.of().formatHex(token.getIdentifier()), HexFormat.of().formatHex(token.getPassword()),
                    "" + token.getKind(), "\"" + token.getService() + "\"")).append(' ');
        }
        return s.toString();
    }

    /** SHA-256 of a file, and how many bytes of it were read short-circuit. */
    static String hash(String path) throws Exception {
        MessageDigest digest = MessageDigest.getInstance("SHA-256");
        byte[] b = new byte[1 << 20];
        try (FSDataInputStream in = fs.open(new Path(path))) {
            for (int n; (n = in.read(b)) >= 0; ) {
                digest.update(b, 0, n);
            }
            return HexFormat.of().formatHex(digest.digest()) + " "
                    + ((HdfsDataInputStream) in).getReadStatistics().getTotalShortCircuitBytesRead();
        }
    }

    static final ByteBuffer direct = ByteBuffer.allocateDirect(1 << 20);

    static long whole(String path) throws Exception {
        long start = System.nanoTime();
        try (FSDataInputStream in = fs.open(new Path(path))) {
            do {
                direct.clear();
            } while (in.read(direct) >= 0);
        }
        return System.nanoTime() - start;
    }

    static FSDataInputStream kept;
    static long keptLength;

    /** Reads at random places of a file that stays open. */
    static long random(String path, int count, int size) throws Exception {
        if (kept == null) {
            kept = fs.open(new Path(path));
            keptLength = fs.getFileStatus(new Path(path)).getLen();
        }
        SplittableRandom random = new SplittableRandom(1);
        byte[] b = new byte[size];
        long start = System.nanoTime();
        for (int i = 0; i < count; i++) {
            kept.readFully(random.nextLong(keptLength - size), b);
        }
        return System.nanoTime() - start;
    }

    static long first(String path) throws Exception {
        long start = System.nanoTime();
        try (FSDataInputStream in = fs.open(new Path(path))) {
            if (in.read() < 0) {
                throw new Exception("an empty file");
            }
            return System.nanoTime() - start;
        }
    }
}

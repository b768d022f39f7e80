using System.Buffers;
using System.Net;
using System.Text;
using PoolHub.Daemon.Gateway;
using PoolHub.Tests.Support;

namespace PoolHub.Tests.Gateway;

/// <summary>https://www.haproxy.org/download/3.0/doc/proxy-protocol.txt</summary>
public sealed class ProxyHeaderTests
{
    private const string Signature2 = "0d0a0d0a000d0a515549540a";

    [Theory]
    [InlineData("PROXY TCP4 203.0.113.9 192.0.2.1 56324 8204\r\n", "203.0.113.9:56324")]
    [InlineData("PROXY TCP6 2001:db8::9 2001:db8::1 56324 8204\r\n", "[2001:db8::9]:56324")]
    [InlineData("PROXY UNKNOWN\r\n", null)]
    [InlineData("PROXY UNKNOWN ffff::1 ffff::2 1 2\r\n", null)]
    public void Line_names_the_source_wherever_it_is_cut(string line, string? source) => Holds(Encoding.ASCII.GetBytes(line), source);

    [Theory]
    [InlineData("2111000ccb007109c0000201dc04200c", "203.0.113.9:56324")]
    [InlineData("21110010cb007109c0000201dc04200c03000100", "203.0.113.9:56324")]
    [InlineData("2121002420010db800000000000000000000000920010db8000000000000000000000001dc04200c", "[2001:db8::9]:56324")]
    [InlineData("20000000", null)]
    [InlineData("2011000ccb007109c0000201dc04200c", null)]
    public void Binary_header_names_the_source_wherever_it_is_cut(string hex, string? source) =>
        Holds(Convert.FromHexString(Signature2 + hex), source);

    [Theory]
    [InlineData("PROXY TCP4 203.0.113.9 192.0.2.1 56324\r\n")]
    [InlineData("PROXY TCP4 nowhere 192.0.2.1 56324 8204\r\n")]
    [InlineData("PROXY TCP4 203.0.113.9 192.0.2.1 99999 8204\r\n")]
    [InlineData("PROXY UDP4 203.0.113.9 192.0.2.1 1 8204\r\n")]
    [InlineData("PROXY xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx")]
    public void Line_that_says_something_else_is_malformed(string line) => IsMalformed(Encoding.ASCII.GetBytes(line));

    [Theory]
    [InlineData("1111000ccb007109c0000201dc04200c")]
    [InlineData("2211000ccb007109c0000201dc04200c")]
    [InlineData("21110004cb007109")]
    [InlineData("2111ffff")]
    public void Binary_header_that_says_something_else_is_malformed(string hex) => IsMalformed(Convert.FromHexString(Signature2 + hex));

    [Fact]
    public void Frame_is_no_header()
    {
        var buffer = new ReadOnlySequence<byte>(TcpMiner.FrameOf(TcpMiner.HeartbeatOf(1)));
        Assert.Equal(ProxyHeaderStatus.None, ProxyHeader.TryRead(ref buffer, out _));
    }

    private static void Holds(byte[] header, string? source)
    {
        for (int cut = 1; cut < header.Length; cut++)
        {
            var part = new ReadOnlySequence<byte>(header, 0, cut);
            Assert.Equal(ProxyHeaderStatus.NeedMore, ProxyHeader.TryRead(ref part, out _));
            Assert.Equal(cut, part.Length);
        }
        var whole = new ReadOnlySequence<byte>([.. header, 1, 2, 3]);
        Assert.Equal(ProxyHeaderStatus.Done, ProxyHeader.TryRead(ref whole, out IPEndPoint? found));
        Assert.Equal(source, found?.ToString());
        Assert.Equal([1, 2, 3], whole.ToArray());
    }

    private static void IsMalformed(byte[] header)
    {
        var buffer = new ReadOnlySequence<byte>(header);
        Assert.Equal(ProxyHeaderStatus.Malformed, ProxyHeader.TryRead(ref buffer, out _));
    }
}

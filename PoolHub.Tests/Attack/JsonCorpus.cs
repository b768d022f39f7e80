using System.Text;
using System.Text.Json;

namespace PoolHub.Tests.Attack;

/// <summary>Bodies and texts as they should be, and what a fuzzer puts into them.</summary>
internal static class JsonCorpus
{
    public static byte[][] Tokens { get; } =
    [
        .. new[]
        {
            "null", "true", "false", "0", "-0", "-1", "1", "-0.0", "1e308", "-1e308", "1e309", "1e-400", "1E+2", "0.1", "00", "01", "+1", ".5", "5.",
            "2147483647", "2147483648", "-2147483648", "-2147483649", "9223372036854775807", "9223372036854775808", "18446744073709551616",
            "79228162514264337593543950335", "79228162514264337593543950336", "0.00000001", "0.000000001", "0.000000005", "1000000000", "1000000000.00000001",
            "123456789012345", "1234567890123456", "0.12345678901234567890123456789", "NaN", "Infinity", "-Infinity", "\"NaN\"", "\"1\"", "\"\"", "\" \"",
            "\"\\u0000\"", "\"\\u001b[31m\"", "\"\\r\\n\"", "\"\\ud800\"", "\"\\udc00\\ud800\"", "\"\\ud83d\\ude00\"", "\"\\u2028\"", "\"\\ufeff\"", "\"\\x\"",
            "\"'; DROP TABLE miners; --\"", "\"<script>alert(1)</script>\"", "\"${jndi:ldap://x}\"", "\"%n%s{0}\"", "\"é\"", "\"日本\"", "\"miner-1\"", "\"failed\"",
            "{", "}", "[", "]", ",", ":", "\"", "\\", "/**/", "//\n", "{}", "[]", "[[]]", "[null]", "[1]", "[\"a\",\"a\"]", "{\"a\":1}", "{\"type\":\"pong\"}",
            "\"job_id\"", "\"hints\"", "\"__proto__\"", "\"Job_Id\"", "\"job\\u005fid\"", "\t", "\n", "\r", "\0", "\u001b", "\ufeff",
        }.Select(Encoding.UTF8.GetBytes),
        [0xff], [0xc3, 0x28], [0xed, 0xa0, 0x80], [0xf4, 0x90, 0x80, 0x80],
        .. Enumerable.Range(1, 3).Select(i => Repeat("[", 40 * i)), Repeat("{\"a\":", 70),
        Quoted(128), Quoted(129), Quoted(64), Quoted(65), Quoted(512), Quoted(513),
    ];

    public static Specimen[] Texts { get; } = Of(
        """{"type":"heartbeat","seq":3,"ts":1760000000.5,"queue_len":2,"avg_latency_ms":120,"temp_c":61,"mem_free_gb":7.5}""",
        """{"queue_len":0}""",
        """{"type":"update","queue_len":2,"busy":true,"current_jobs":["job-1","job-2"],"price_token_per_ksec":0.75}""",
        """{"type":"pong","nonce":7}""",
        """{"type":"command_ack","command_id":1,"accepted":false,"detail":"not now"}""",
        """{"type":"goodbye","code":"leaving"}""");

    public static Specimen[] Registrations { get; } = Of(
        """{"miner_id":"miner-1","api_key":"phk_x","addr":"10.0.3.7:9000","proto":"grpc","gpu_vram":24,"gpu_name":"RTX 4090","cpu_cores":16,"ram_gb":64.5,"price_token_per_ksec":0.75,"max_parallel":4,"region":"eu-west-1","owner":"acme","accel":["cuda"],"tags":["low-latency"],"capabilities":["task:image_embedding"]}""",
        """{"miner_id":"m","api_key":"k","addr":"a","proto":"http","price_token_per_ksec":0,"gpu_vram_gb":24.0}""");

    public static Specimen[] Updates { get; } = Of(
        """{"session_token":"dG9rZW4","queue_len":2,"busy":true,"current_jobs":["job-1"],"price_token_per_ksec":0.5,"avg_latency_ms":120,"temp_c":61,"mem_free_gb":7.5,"command_acks":[{"command_id":1,"accepted":true,"detail":"done"}]}""",
        """{"queue_len":0}""");

    public static Specimen[] Matches { get; } = Of(
        """{"job_id":"job-1","requirements":{"task":"image_embedding","min_vram_gb":16,"min_ram_gb":8.5,"accel":["cuda","rocm"],"tags_any":["low-latency"],"capabilities_any":["a"]},"hints":{"region":"eu","max_price":0.75,"deadline_ms":2000},"top_k":3,"weights":"default","exclude":["miner-1"],"spread_by":"region","explain":"full","hold_ms":500}""",
        """{"job_id":"job-1"}""");

    public static Specimen[] Batches { get; } = Of(
        """{"requests":[{"job_id":"job-1","top_k":1},{"job_id":"job-2","hints":{"region":"eu"}}]}""");

    public static Specimen[] Reports { get; } = Of(
        """{"job_id":"job-1","miner_id":"miner-1","match_id":"0199b6f3a7c07000800000000000000a","outcome":"failed","latency_ms":120,"fail_code":"oom","tokens_spent":0.01}""",
        """{"job_id":"job-1","miner_id":"miner-1","outcome":"completed"}""");

    /// <summary>Cut before and after every token: a value that is replaced leaves its comma.</summary>
    public static Specimen[] Of(params string[] texts) => [.. texts.Select(text =>
    {
        byte[] utf8 = Encoding.UTF8.GetBytes(text);
        var reader = new Utf8JsonReader(utf8);
        List<int> cuts = [];
        while (reader.Read())
        {
            cuts.Add((int)reader.TokenStartIndex);
            cuts.Add((int)reader.BytesConsumed);
        }
        return new Specimen(utf8, [.. cuts.Distinct()]);
    })];

    private static byte[] Quoted(int chars) => Encoding.UTF8.GetBytes($"\"{new string('x', chars)}\"");

    private static byte[] Repeat(string text, int times) => Encoding.UTF8.GetBytes(string.Concat(Enumerable.Repeat(text, times)));
}

//! SRP against what two independent clients compute from the same numbers: pycognito 2024.5.1 and
//! amazon-cognito-identity-js 6.3.21 agree on each claim. Some of the numbers are chosen for their leading zeros.

use super::*;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use proptest::prelude::*;

/// Numbers in hex; `b` is the server's secret, `claim` what both clients sent.
struct Vector {
    pool: &'static str,
    user: &'static str,
    password: &'static str,
    salt: &'static str,
    b: &'static str,
    verifier: &'static str,
    client: &'static str,
    public: &'static str,
    block: &'static str,
    claim: &'static str,
}

const TIMESTAMP: &str = "Tue Sep 6 00:04:02 UTC 2022";

const VECTORS: [Vector; 5] = [
    Vector {
        pool: "us-east-1_AbCdEfGhI",
        user: "alice",
        password: "Correct-horse-1",
        salt: "4a0b1c2d3e4f5061728394a5b6c7d8e9",
        b: "7dc96f776c8423e57a2785489a3f9c43fb6e756876d6ad9a9cac4aa4e72ec193",
        verifier: "3298ec23e79fb51434159f305761a774fdedbcb19553820db3db2fe19fde6085a325c46762214a8cf17fac158fee2827\
             ba497fcf05ce4573c042f1aed88461628e208c60e421bbcb762368117fba87b0dfd53bfaca243d3391cb44aa40903516\
             d159b9fe308fc6bfc59ee5eb7e04474683247e07ef91d1c3cf8f3637200300e577cce0cd49adae05aeb27144d34ec461\
             159c0c568a9570a38be240d77c7ed2dc1af15d67e82967b6d4421f8b6e2455c9dbf94e51962def28e25447dd319252db\
             d01de63945407cb03f50732b63ccca7f346487ff283cf6b3ee3c105bcac1563e0b9d18e54940dbe12b284a066a586df5\
             96b3e6c4bad67464321a94447bd6c63ce8ec4f8a74e569640d139b69bb1e5dfe1dc7d8c0c0483299dfd38684e5191955\
             422ec96119da6cbc2565bf34e006b9daefafd0bca36c5dd0b16e430f21f200375bcb795b84d215620bbbf40feb0e765b\
             1876eec05c9737106db20e5c7b18e2c4d267008b111d1a7b829c5564394fc4a43ab5c1e6ac80b824ced59bbce15ca899",
        client: "347b2551c40e581b80174421c9b35bff0921ed667858fc868ed9ea2e92b2e756dabf2f4fa56839764f9a0f3c5a0bf497\
             cb1245448584bb038fabc2efa98a87235817290557cba6d553888bf6e88f324670043d8ec0a781dee7bad6fe605da5b7\
             3929510a82caae768a1f03e5869278253f422b09e3506b803eae6b032401ea7e8900431183e043f39e897618581899d4\
             27ad7dd9092195f0a685daee262913e755d95d55cab79d149db38ed61e716712428daaa72d48ec5cce8238fc15aff995\
             4fbb49695f084795bd8b51e1f2c07912e751b4649cf1736e8dc76cece82f5aca93a8ee92701536d78047a4395a660534\
             503d1a92e6a0efdd8a2605c101eded42db49bf5f65b6453384e1fed3a68c3d73c4f420c7f9ead8b9d980dfd605014425\
             b5c1090c2d6e9d2f78888b2d16b5fc6d1613790e40c68ee9f09ca87e256ea81bb1f889e71cb6ff5b441dd6630ef25fdb\
             537c03e93a36bb417f31bd85d0b0b9be86612c86bdb63a6b95fbcef5e8d3b8a5a1113f33f6dd571d8cb4e129663f0ebd",
        public: "2a7408bed0b075ec85691ce9ee6c5a1e93ee3139f5f445e17899ac17841dc997998c4110f32259b605213ea96d31160c\
             c27f23b0493d6a8c7bd6c52aa7350460b75fed08c76d1064a8bdb250c41221c3aca93d4fec897bae14275365aee3e095\
             d6480f1c13dffb1f75ba44e9098af5c283d3f0994ad77622ba3b1799e6418420859364f7c7509d3e8731a0ede74d9ad0\
             89c6586dace46bbf3842281badf5042ed8468c6f8be36f40ff1980d9253687ebb7e24eadf3c4e87a49b9d3cd63d1cec6\
             2e7991a38b1aca2a20dc81153b9ddba4a8f6483a0c64c5b3deff13b3d5fb0ab80cb801f8adba80e5335977f017af5f39\
             a0c67bc9e4ecd5d73c2cda31305740a81bf3b2f23751f1f9e2bbfd7d87662b20e2f2fe21b6f69c63ccc0b6e86cc39ee4\
             a9367517203ba7ecc1fd54d346ee297dbdc6c212e677e681de168eb27a55158db4a612aab38eac8c85c233146a417234\
             5a080a6e45ce0ecc3c4918e409d998c4127394f32c7dd427206674e12a7da91a9e03f883cc7eebc0926cbe193b3e989a",
        block: "b3BhcXVlIGJsb2NrIG9mIHBsYWlu",
        claim: "j0QFsgR3HEtRHCdGelOMCQ589uUVYKBFsokhcydIeOo=",
    },
    Vector {
        pool: "eu-west-1_xYz012345",
        user: "34c84488-e0e1-70ae-d2ee-991ad1a898c8",
        password: "pässwörd Ω 1!",
        salt: "7fffffffffffffffffffffffffffff01",
        b: "4814d92093ac8a0f4a2163ab87dee509ba306a58f5888be0edcb2fcd0712028b",
        verifier: "4a71a949fa5e20ae37052c0f1e8a6dba10ef5744b65f07b50d2c0b4cd0ab8ec62085567d4f0610f3ab472e80112ef235\
             c3fde940f60264f93c3427ccfc99af1fc98955315c3a113b84b8f948c3e351befa601bbfd7bd69f69fe035e8e2b60491\
             5bf18d6d3cba2045de75e23897c061b0a61cbc4f7fccfce54d9f80dff0c5b4ce3d09b2a5c42ed7020d32ff955b21d436\
             f9c703fbed46e44df3ab61b05e5774530ab4adf687b270cc8d851a69cd582eeb52d55b5243319afcdbc4669b3b5f19f3\
             01eec6c1d727b509bf3a0ed8676db4f58d5dcccb177927ed209439f5589fdacc6e372ba68faaa17be96b1c12c2aa8830\
             4ee3115bf9b9aa50a143cf93f87450d285538eeef7716ec0f56bbbe2db58a28e6a4b456831891b43f5c0a5b9cc86f43f\
             df1592f61001a6a31598c1d0366533ebec76751a32bf867dcd3f04aa0fb5cdb2b265a8a4eb2b68929b7e5def4d74049f\
             a8779ec9f5e53ccfdfb900972c7c1ba203cee6d81789f320515b065bc72dc9fab3a8760b3c98f750c98e9eb9916827dc",
        client: "a90eb2d068fe723a98f76851faef7182c77ac8fcbf977aeba425d9bb10f2e5653ec87c87d65a1abf0ccba1b1c4405c58\
             444a51197b68884a5675e9ef825e3971f75680c10fd5585b38a67e6377f300f2661c1dc8100acace1e1a2a6490cdcd16\
             7db9de3e67de98ab5c0965d37d61b380b8c0e8cd515da69eca48f0e00adf66b361193b314d5e1e89188065c3b0d0be27\
             0b594375aa76e1d5b90c96336d024940160535648154c1534bae90e47e2eab25dfed182f81622c91b0fc3882d2ce7ada\
             367578494b9626e654e60e9fa22fd7499ee0071a0c0cc910e2fd45e96b69c64440679f7144cd7b6b07f2073aadac2f4d\
             62028e87f5a7fb0b0fedf8f86bf6c7d40bccb0ca363d1574f82d7538d9b790d047b090cb9b7962e9d8f17afa270d6467\
             42ab88c3878677983dc694aa4c700618da90ccc22c4fe8861837238909f90b95fd7a0df14863eb59d88b98dcb69a499c\
             213f66b76ef0d9cd86b1e6d8873be05560a9c56fa9cf85e2a7dae2bbfc28270f2a90f5d4f2d6192fdb44854801e52713",
        public: "53148d8fe88ec2f3a3c4de9db75d0b660fd400e9143ac46ae91579f20521d1b646588d0530e3fd34e94fac882367c2a9\
             a3b8c66312998365cba792efd2a3e30d26cd8edcb8e580c103c7ce455df5e76b22776583cba05db6783ded4ef12e6eb0\
             a8c5da53e634ca21bec4defe0e256375ff3688e3c0d0273ff5975339816cc6bdb24ab18139f4c075db2a72038378e5a1\
             ee89861a2e3ad5637c6f627fab739f4316efcb60e9e5a2f98c9e74a38fcce0917fbec2017391d4ccc17ab85b78ffae84\
             9020bc4a7922b38d04f7cb24d7700ca40700a5b09112e9486b8d86f627025e5aeca2240b37f787473c573772248960a1\
             b38bbbce4cf69a0f922b41ab8dce37913b701209afdcae7b179de60f6bc231b6597af51576771aa4014d0cea7ba6dacf\
             c9b4bf4b3940ede542dc95356eacee2a3dde600cfcf5e9bc0c1a5040cc2d08f63146dd5adf863167742b18e08f7a8838\
             94f7951ff5778e083ceb61c96258dc7155d982eb0c95bc7b6a5f53e991f634ccf8e880bd9d141776dc03c4e64bed1ba5",
        block: "b3BhcXVlIGJsb2NrIG9mIHV1aWQ=",
        claim: "Nx3jUvsWt9ixdORe8zw0s9iCMQ5yqlENO8u094S1i+c=",
    },
    Vector {
        pool: "us-east-1_AbCdEfGhI",
        user: "bob",
        password: "Tr0ub4dor&3",
        salt: "40000000000000000000000000000001",
        b: "7c1c97df17c066924822b0af09a65251554962c61e23329aed04cd19020dc3b8",
        verifier: "ade605855e65ffe525bf13323f69f5b2da9879f75fd0cd3b727fe16ad083fe612d3b37852447ea9a0a64286b8f129da7\
             d3868555235bec68ce5679a901564cde9e9846d1f52587fbd972f2b2b617903d4df4ad903001a94636221d2e6973c3e5\
             9797fff5f49670d245ec0937b4e7eda9aab059f8fb043d016c677e774789a723a44c395fb4294b6a8a10b2cd5250e72f\
             01813de853328cb1a86d029e7cd6efa0f7efd89a4e533df292517665ddd7827e44019c9b95827152236e3061bec4b05b\
             74c12e64f2b4d2af1923d2b41e8b961b090d49ccd074e40bde39462c54146a241818ec77469469c6399ebd3dbca4aea2\
             3da6418af737e1d7c44bad25778aa278cd116e016c77c3d535e6e74953000a0e856f7e39b4133c6cfeb5a2cec292c5c9\
             a3c546ba559ee380353917d60897ab841f62e531d49bdb76524ca3344cc6d74dd1bb361ec2262e524f5bc72316f0d74d\
             780acfc4884b8a785e8dd9736fd06c07a0cf5d7b354634d43d163d59c9c46758704bcf8b9221e4af12a691a06083e1dc",
        client: "7f2db2b01dcdcae868646be54fabbb0974440d739062afa29ba5be0cda4783bb77d6a6ddd47a5b6e10974b1462e32c77\
             61c2e4a45cc550b9f941e97c11cbde51ef12504a45f8dfad16bc5bed422bf5afde7de4f563c7c13a1e297b1a1b80502a\
             b38d6376a844676a384ab484779cc40329d55d5a5499a2d439199a39d88d9c8ed51853a01976274a796dcbbea0f6278e\
             caa7eceea90a1e598870e936febc1069904b712b3310d82d6abc5a1fa0c5fa7a4152e1742bbc7d7d09113f4c92800cad\
             343f90327f6141ddc3a3d363a681195e665d58390a0f6eb755203ae88494ffd4ca111137baa78168efb63cb692a9ff33\
             5fa0457d20a23cef4a9a920c5b07268466e4fe6a8116a73a971be29d80c40a1a657bc36f859ed2681977a6699f3a9983\
             6794935c2b3b8aa4c325aedf6e0b803e8e0d51fbde5f3501dfc1dd73b90cd9b8cd4d67d846d4aa077f1ff88abdfbe61a\
             789ed7237060be2d460d6b96d5f22937577986e641e01b8c312abb86ebba5d5406a8f96c5f2b1d9cdfbb3e7e95139eb",
        public: "d4ba5986d18dca4ae9df504cad292535d26c684ef9d7981538826cc531b9d70d698d6d5c734bddcda634866dcc2a36dc\
             d4acc674eb42d07de970b91166a8e19669421dcc910166f5f09eae7470f1436748b460ab88eff6cab9375860ef4104fd\
             5a9f15c9de733a66cf81817ecc0f775452af55caca87ee530fa0413c5907cd641075a80a05e7f301721784c40a049e85\
             a861e4aff1603d4e3d5cde90a7464c4a6e9a857b7bc8ee07c842eb7892def0b66fdb8061907743ef32bb8e9ea4709d1f\
             a8ffc37b2154c2dcf28976701795a309946a0f750ff2ca2b7cedaf011021ffecd70bc7e91b1aeee19b23bd69d56cec4b\
             b92c4bac900de9cdbd618aa25bccc43c075276efd6e73a9d3927864026b314f69fbc48d1137d070e35107217853dfc4c\
             c566a9dd303a0a00244af53126f636dc3d0fc0d5941a093a860ed5a20794549fcbb4d0c75f2ae43f1dbc9d1183e502ec\
             b7eb29244a295f28dce2889aa602ef31ee8b8bd608de527f2830b320160941f231155ae6db35e96b7a83077fce84cccf",
        block: "b3BhcXVlIGJsb2NrIG9mIHBhZDM=",
        claim: "ZwxvALWFUCtBY2S9+J0m3eJuYSmx5XliHepR07BJM/Q=",
    },
    Vector {
        pool: "us-east-1_AbCdEfGhI",
        user: "bob",
        password: "Tr0ub4dor&3",
        salt: "40000000000000000000000000000001",
        b: "9c0abe51c6e6655d81de2d044d4fb194931f058c0426c67c7285d8f5657ed64a",
        verifier: "ade605855e65ffe525bf13323f69f5b2da9879f75fd0cd3b727fe16ad083fe612d3b37852447ea9a0a64286b8f129da7\
             d3868555235bec68ce5679a901564cde9e9846d1f52587fbd972f2b2b617903d4df4ad903001a94636221d2e6973c3e5\
             9797fff5f49670d245ec0937b4e7eda9aab059f8fb043d016c677e774789a723a44c395fb4294b6a8a10b2cd5250e72f\
             01813de853328cb1a86d029e7cd6efa0f7efd89a4e533df292517665ddd7827e44019c9b95827152236e3061bec4b05b\
             74c12e64f2b4d2af1923d2b41e8b961b090d49ccd074e40bde39462c54146a241818ec77469469c6399ebd3dbca4aea2\
             3da6418af737e1d7c44bad25778aa278cd116e016c77c3d535e6e74953000a0e856f7e39b4133c6cfeb5a2cec292c5c9\
             a3c546ba559ee380353917d60897ab841f62e531d49bdb76524ca3344cc6d74dd1bb361ec2262e524f5bc72316f0d74d\
             780acfc4884b8a785e8dd9736fd06c07a0cf5d7b354634d43d163d59c9c46758704bcf8b9221e4af12a691a06083e1dc",
        client: "a90eb2d068fe723a98f76851faef7182c77ac8fcbf977aeba425d9bb10f2e5653ec87c87d65a1abf0ccba1b1c4405c58\
             444a51197b68884a5675e9ef825e3971f75680c10fd5585b38a67e6377f300f2661c1dc8100acace1e1a2a6490cdcd16\
             7db9de3e67de98ab5c0965d37d61b380b8c0e8cd515da69eca48f0e00adf66b361193b314d5e1e89188065c3b0d0be27\
             0b594375aa76e1d5b90c96336d024940160535648154c1534bae90e47e2eab25dfed182f81622c91b0fc3882d2ce7ada\
             367578494b9626e654e60e9fa22fd7499ee0071a0c0cc910e2fd45e96b69c64440679f7144cd7b6b07f2073aadac2f4d\
             62028e87f5a7fb0b0fedf8f86bf6c7d40bccb0ca363d1574f82d7538d9b790d047b090cb9b7962e9d8f17afa270d6467\
             42ab88c3878677983dc694aa4c700618da90ccc22c4fe8861837238909f90b95fd7a0df14863eb59d88b98dcb69a499c\
             213f66b76ef0d9cd86b1e6d8873be05560a9c56fa9cf85e2a7dae2bbfc28270f2a90f5d4f2d6192fdb44854801e52713",
        public: "26610162d135ef1cef722f50c52e3a356a5c33ae339cb05fdafeb419580c345d6503928a56ccb5ce1a7093ef21d7236c\
             1d298212c7467bee6869756abd63830024a52fe8f3383d99935dd65c522b8b0f2899331a513e79e53957811eb811f7a6\
             ca21d6387a50444225818292f8623ac3ec8e866934b37bc22a534d1b5a9e1f5f76e499b042561cb83e00190a77960830\
             97c4c7e95a09ac73a60b71e11539a19d6868b3be9999cab7caede150140a9481adbc6dcb8aa45092374f93a3f25b36c1\
             11025f05cd1cc41702451c192d7fe206e5d394a2e6df9d98f518fd0082a9ab2b7cc8556d10c09c906bf7e8a02026b6dc\
             d2694c60f21c07a8b156073ba2ae247436c5f48f5ac6a608cff4346fc52bf212dc94b641c5a7178b27172194abace1c3\
             155a83a0a522d94e03bb349e719d7e4d8ca4548319cfd5b872b2e6ba760507b71575df0243dce3fc777b34b1ca5e224b\
             d34d1bccfdf10a928123ad384a85da45291aed624091834218f80e19adb99ed87e0a083cb4f7ced3f6413f7a00a21a0",
        block: "b3BhcXVlIGJsb2NrIG9mIHBhZDI=",
        claim: "qi+Z8bXLt9LuYFgiNc3yfQ+SKKYmnlwU9SWt8dfpnyI=",
    },
    Vector {
        pool: "us-east-1_AbCdEfGhI",
        user: "bob",
        password: "Tr0ub4dor&3",
        salt: "40000000000000000000000000000001",
        b: "d0bf3e6ee1d668de18c9ca200a4f152062f345283ee68cadfe41204f215d75e9",
        verifier: "ade605855e65ffe525bf13323f69f5b2da9879f75fd0cd3b727fe16ad083fe612d3b37852447ea9a0a64286b8f129da7\
             d3868555235bec68ce5679a901564cde9e9846d1f52587fbd972f2b2b617903d4df4ad903001a94636221d2e6973c3e5\
             9797fff5f49670d245ec0937b4e7eda9aab059f8fb043d016c677e774789a723a44c395fb4294b6a8a10b2cd5250e72f\
             01813de853328cb1a86d029e7cd6efa0f7efd89a4e533df292517665ddd7827e44019c9b95827152236e3061bec4b05b\
             74c12e64f2b4d2af1923d2b41e8b961b090d49ccd074e40bde39462c54146a241818ec77469469c6399ebd3dbca4aea2\
             3da6418af737e1d7c44bad25778aa278cd116e016c77c3d535e6e74953000a0e856f7e39b4133c6cfeb5a2cec292c5c9\
             a3c546ba559ee380353917d60897ab841f62e531d49bdb76524ca3344cc6d74dd1bb361ec2262e524f5bc72316f0d74d\
             780acfc4884b8a785e8dd9736fd06c07a0cf5d7b354634d43d163d59c9c46758704bcf8b9221e4af12a691a06083e1dc",
        client: "b7271115cc16a4953bfa4989b9b427135061fc482fe4949961a78276173a531302c6360bdc6077fce3653527d804fc5e\
             248e4c1de9da8e97978a86cf9ef694ec68192c14a3663b8f80412b060fa128a000b1a17c9625c693976b8b7159492b75\
             065e786880437427f607755a5317194cd8ba56f7ec06d72c34108859575e5d7b7fdfd488868bc603c4c5fe3c23f2e2d5\
             77cdc1a0fb5661b86ecf24f1e95d1d852155722bf93b7fda47c2252c4a45f7a4939353b127019d1ab7c3141fc7fa7956\
             08186781f82619cd201cebc88164803918a751000f8e73220b21c9e12107c754f4e4c5d49ef23f0ec3a8f1e3ba5a4467\
             366ae2bbba6b45a274552b257377ca228a550906051601e3c785eee5df665754c3de5ae7979dde7b1be3df09a8e9035d\
             845b5586cf75df8674f11a69edcfe1378b387c4c997a16b7c986da9204908ac229d666262b5472a2a18532ff338ad869\
             dd5cd7f6e466db3c80422cbafd443a8bf8717391d1013bc8ccb6cb029c4d765e8ee99a043892872c267aa4c79a9d75ec",
        public: "7f1da4f056103b74e4ffd4cfcd8663e42466dea44685973179b83aa9001673384ab3d8ab6ec684c33a9d64b48d95d9e0\
             c08780ffd6e829d0a71a61cdd2ec0e0c0f5d26471d55afb192820fb45096910febcbc71cb1846855e019a98ad75ce20f\
             285c382823f5801f5d20f862d04ecebbf7fc87c4a7bcc88db3d6799eb4bed9e40c60e62369b2b41a9a9c524f13dff1c3\
             5a16d189be38695f49d636c7e46878af1eea838bd585ffd534b82b626a694a0cab53fac2dbfcc22e11ee3f99a9183f51\
             76f2cc5a37a96e4178afbaf6be3c1705bc68f27a25745654ef7798f695a1b04b3f7f7aaa55400e1f8a9018782780f7ec\
             d53e599414d6a18e381f5a3b5075b22b7b16c681ba7f3bcb55fbbdd543d2b2578058b4633067a458031a42e2bb9d9486\
             a5be5f0583d1f29a18c7645d724224f1c1aea1ae3c2fdbc1ea7a8d3a58b5685e070acbbdea92ea1f4180fc458153ee82\
             88e9a5b558668b1df3eeee2952ac28800bf3f22aa15be553e3e51c7789ae3616e0f2acb13082b1fcb93dd99b7eacd7db",
        block: "b3BhcXVlIGJsb2NrIG9mIHBhZDU=",
        claim: "G0bQiH7N9BcTsm8QaSWVAUGYSEsuZJooj6TS8dmLp+I=",
    },
];

fn bytes(text: &str) -> Vec<u8> {
    let even = if text.len() % 2 == 1 { format!("0{text}") } else { text.to_owned() };
    hex::decode(even).expect("hex")
}

fn array<const N: usize>(text: &str) -> [u8; N] {
    let bytes = bytes(text);
    let mut out = [0; N];
    out[N - bytes.len()..].copy_from_slice(&bytes);
    out
}

fn claim_of(vector: &Vector) -> Claim {
    let identity = Identity::new(vector.pool, vector.user);
    let verifier = Verifier::salted(&identity, vector.password, array(vector.salt));
    let client = ClientValue::parse(vector.client).expect("a client's value");
    let exchange = Ephemeral::of(array(vector.b)).meet(&client, &verifier);
    Claim {
        identity,
        exchange,
        verifier,
        block: STANDARD.decode(vector.block).expect("base64"),
        timestamp: TIMESTAMP.into(),
        signature: STANDARD.decode(vector.claim).expect("base64"),
    }
}

#[test]
fn both_clients_prove_their_password() {
    for vector in &VECTORS {
        let claim = claim_of(vector);
        assert_eq!(trimmed(&claim.verifier.value), bytes(vector.verifier));
        assert_eq!(claim.exchange.public_text(), vector.public);
        assert!(claim.is_proof(), "{}", vector.user);
    }
}

#[test]
fn a_claim_proves_nothing_when_anything_in_it_is_another() {
    let good = claim_of(&VECTORS[0]);
    type Change = fn(&mut Claim);
    let changes: [Change; 9] = [
        |claim| claim.identity = Identity::new("us-east-1_Other", "alice"),
        |claim| claim.identity = Identity::new("us-east-1_AbCdEfGhI", "mallory"),
        |claim| claim.block.push(0),
        |claim| claim.timestamp = "Tue Sep 6 00:04:03 UTC 2022".into(),
        |claim| claim.signature[0] ^= 1,
        |claim| claim.signature.clear(),
        |claim| claim.exchange.secret[31] ^= 1,
        |claim| claim.exchange.client = ClientValue::parse("02").expect("a value"),
        |claim| claim.verifier = Verifier::stand_in([7; 32]),
    ];
    for (number, change) in changes.into_iter().enumerate() {
        let mut other = good.clone();
        change(&mut other);
        assert!(!other.is_proof(), "change {number}");
    }
}

#[test]
fn a_multiple_of_the_prime_is_no_value_of_a_client() {
    let zeros = "0".repeat(20);
    let too_long = format!("1{}", "0".repeat(2 * BYTES));
    for text in ["", "0", "00", &zeros, PRIME, &too_long, "xyz", "-2", "é"] {
        assert_eq!(ClientValue::parse(text), None, "{text}");
    }
    assert!(ClientValue::parse("2").is_some());
    assert_eq!(ClientValue::parse("0002"), ClientValue::parse("2"));
}

#[test]
fn an_exchange_and_a_verifier_survive_being_kept() {
    let claim = claim_of(&VECTORS[1]);
    assert!(Exchange::from_bytes(&claim.exchange.to_bytes()) == Some(claim.exchange.clone()));
    assert!(Verifier::from_bytes(&claim.verifier.to_bytes()) == Some(claim.verifier));
    assert!(Verifier::from_bytes(&[1; 20]).is_none());
    for length in 0..40 {
        assert!(Exchange::from_bytes(&vec![0; length]).is_none());
    }
}

#[test]
fn a_stand_in_has_a_steady_salt_and_no_password() {
    let (one, same) = (Verifier::stand_in([5; 32]), Verifier::stand_in([5; 32]));
    assert_eq!(one.salt_text(), same.salt_text());
    assert_eq!(one.salt_text().len(), Verifier::of(&Identity::new("p_p", "u"), "x").salt_text().len());
}

#[test]
fn a_timestamp_is_english_in_utc_with_a_day_of_one_or_two_digits() {
    let seconds = |text| timestamp(text).map(Timestamp::seconds);
    assert_eq!(seconds(TIMESTAMP), Some(1_662_422_642));
    assert_eq!(seconds("Tue Sep 06 00:04:02 UTC 2022"), Some(1_662_422_642));
    assert_eq!(seconds("Sat Feb 29 23:59:59 UTC 2020"), Some(1_583_020_799));
    for text in [
        "",
        "2022-09-06T00:04:02Z",
        "Tue Sep 6 00:04:02 CET 2022",
        "mar. sept. 6 00:04:02 UTC 2022",
        "Tue Sep 31 00:04:02 UTC 2022",
        "Tue Sep 6 24:04:02 UTC 2022",
        "Tue Sep 6 00:04 UTC 2022",
        "Tue Sep 6 00:04:02 UTC 2022 or so",
    ] {
        assert_eq!(timestamp(text), None, "{text}");
    }
}

proptest! {
    #[test]
    fn no_text_is_too_odd_to_be_read(text in "\\PC{0,80}", kept in prop::collection::vec(any::<u8>(), 0..120)) {
        let _ = timestamp(&text);
        let _ = ClientValue::parse(&text);
        let _ = Exchange::from_bytes(&kept);
    }
}

/** 引擎上各类资源列表的文字。 */
export const messages = {
  ours: '由我们创建',
  foreign: '在别处创建',
  unused: '未使用',
  refresh: '刷新',
  column: { name: '名称', stack: '应用栈', driver: '驱动', size: '大小', users: '使用者', age: '时长', subnets: '子网', tags: '标签', id: '标识', owner: '归属' },
  volumes: { title: '存储卷', filter: '筛选存储卷', empty: '此引擎上没有存储卷。' },
  networks: { title: '网络', filter: '筛选网络', empty: '此引擎上没有网络。', internal: '内部' },
  images: { title: '镜像', filter: '筛选镜像', empty: '此引擎上没有镜像。', untagged: '无标签' },
  nodes: {
    title: '节点',
    empty: '没有连接任何引擎。',
    column: { name: '节点', state: '状态', cpu: 'CPU', memory: '内存', containers: '容器', labels: '标签' },
    state: { ready: '就绪', away: '离线', cordoned: '已封锁', draining: '排空中' },
  },
  noMatch: '没有符合此筛选的内容。',
  failed: '无法读取列表',
};
